"""Runs that are computed without padding end where those do that transformers computes."""

from contextlib import nullcontext

import numpy as np
import pytest

from stats.equivalence.tost import tost
from trainers.loop import Fit
from trainers.methods import Base
from trainers.models import Bert
from trainers.packed.models import left_to_transformers
from trainers.settings import Training
from trainers.tasks import Docstrings

TRAINING = Training(epochs=4, lr=2e-3, max_length=48, device="cpu")


@pytest.mark.long
@pytest.mark.slow
def test_scores_are_equivalent_within_a_point_and_a_half(tmp_path):
    task = Docstrings(train=600, dev=200, test=800, vocabulary=2048)
    task.prepare(tmp_path)
    model, training = Bert(layers=2, width=64, initializer_range=0.05), TRAINING.resolved()
    train, dev, test = (
        model.encode(task.load(split, tmp_path, 0), tmp_path, 48)
        for split in ("train", "dev", "test")
    )
    scores: list[list[float]] = []
    for here in (True, False):
        found = []
        for seed in range(24):
            with nullcontext() if here else left_to_transformers():
                module = model.build(task, tmp_path, seed)
                trained = Fit(module, Base(), train, dev, training, seed).run(lambda: test)
            found.append(trained.scores["test"]["accuracy"])
        scores.append(found)
    ours, theirs = map(np.array, scores)
    assert theirs.mean() > 15  # of which chance would be 12.5
    assert tost(ours - theirs, margin=1.5).p_value < 0.05
