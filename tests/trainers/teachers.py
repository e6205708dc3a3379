"""Teachers of runs that are made by hand."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
from torch import nn

from tests.trainers.hub_places import TWENTY_STEPS
from trainers.inputs.batches import Encoded
from trainers.loop import Fit
from trainers.methods import Base, Method
from trainers.teacher import LiveTeacher, TeacherLogits


def teacher_for(method: Method, start: nn.Module, seen: Encoded) -> TeacherLogits | LiveTeacher:
    """Logits that know the labels or, where a method asks for a model, one that was trained."""
    if method.needs_from_teacher() == "logits":
        return TeacherLogits(seen.ids, 2 * np.eye(3, dtype=np.float32)[seen.labels])
    training = replace(TWENTY_STEPS, epochs=4, lr=5e-3)
    dense = Fit(deepcopy(start), Base(), seen, seen, training, 1, metric="nll").run(None)
    return LiveTeacher(dense.model)
