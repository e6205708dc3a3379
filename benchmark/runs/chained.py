"""What a link of a chain is trained with, where its declaration leaves that to the arm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.declare.arm import Arm
from benchmark.declare.chains import After
from benchmark.declare.study import Study
from benchmark.errors import StudyError
from trainers.methods import Method
from trainers.models import EverySecondLayer, Model
from trainers.models.anatomy import other_body
from trainers.pretraining import Denoising, MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Task


@dataclass(frozen=True)
class Link:
    """A run of a chain, which another run starts from.

    Attributes:
        name: what tables call the init that it makes.
        called: who trains it: an arm, or the method that its declaration names.
        task: what it is trained on.
        method: how.
        training: resolved.
        init: what it starts from itself.
    """

    name: str
    called: str
    task: Task
    method: Method
    training: Training
    init: Init


Init = str | Path | EverySecondLayer | MaskedLanguageModelling | Denoising | Supervised | Link


def settled(study: Study, arm: Arm) -> Init:
    """What an arm starts from, each link of a chain with its method and its settings.

    They are those that the arm declares: one chain serves every setting of a search.
    """
    return _settled(study, arm, arm.init)


def _settled(study: Study, arm: Arm, init: Init | After) -> Init:
    if not isinstance(init, After):
        return init
    return Link(
        name=init.name,
        called=init.method.name if init.method else arm.name,
        task=init.task,
        method=init.method or arm.method,
        training=(init.training or study.training_of(arm, init.task)).resolved(),
        init=_settled(study, arm, init.init),
    )


def require_same_body(model: Model, first: Task, other: Task) -> None:
    """Refuse a task whose texts or images an encoder that was trained on another cannot read.

    Raises:
        StudyError: with the way out.
    """
    if first != other and (why := other_body(model, first, other)):
        raise StudyError(f"what was trained on {first.name} cannot read {other.name}: {why}")
