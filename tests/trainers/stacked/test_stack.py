"""A run of a stack is the run that it would be alone, whatever the others are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainers.stacked.runs import MIXED, TRAINING, alone, fits, stacked, texts
from trainers.errors import Diverged
from trainers.loop import Fit, Trained
from trainers.methods import LS, Base
from trainers.stacked.stack import Stack


def assert_same(found: Trained | Diverged, expected: Trained, atol: float = 2e-5) -> None:
    assert isinstance(found, Trained)
    assert found.best_epoch == expected.best_epoch
    assert found.steps == expected.steps
    for split, logits in expected.logits.items():
        np.testing.assert_allclose(found.logits[split], logits, rtol=0, atol=atol)
    for split, scores in expected.scores.items():
        for name, score in scores.items():
            assert found.scores[split][name] == pytest.approx(score, rel=1e-3, abs=1e-3), name


def epochs(fit: Fit) -> list[tuple[float, float]]:
    return [(report.loss, report.dev["nll"]) for report in fit.at.reports]


@pytest.mark.sampled(test=2)
@pytest.mark.parametrize("kind", ["Bert", "Roberta", "XLMRoberta", "DistilBert"])
def test_runs_that_differ_in_all_but_their_shape_end_as_they_do_alone(kind):
    """Dropout masks, orders, batches of several lengths, schedules, clipping, phases, selection."""
    together, single = fits(kind=kind), fits(kind=kind)
    test = texts(25, seed=3, types=kind == "Bert")
    for fit, found, one in zip(together, stacked(together, test), single, strict=True):
        assert_same(found, alone(one, test))
        np.testing.assert_allclose(epochs(fit), epochs(one), rtol=1e-4)


def test_sgd_with_momentum_is_that_of_each_run_alone():
    training = replace(TRAINING, optimiser="sgd")
    runs = [
        (seed, method, {k: v for k, v in own.items() if k != "lr"}) for seed, method, own in MIXED
    ]
    for found, one in zip(
        stacked(fits(runs, training=training)), fits(runs, training=training), strict=True
    ):
        assert_same(found, alone(one))


def test_a_weight_follows_the_run_that_it_is_of():
    """Without dropout and with plain steps weights are equal, not logits alone."""
    training = replace(TRAINING, optimiser="sgd", lr=0.05, momentum=0.0)
    runs = [(seed, LS(0.1 * seed), {"lr": 0.02 * seed}) for seed in (1, 2, 3)]
    together, single = fits(runs, training=training), fits(runs, training=training)
    for found, one in zip(stacked(together), single, strict=True):
        expected = alone(one).model.state_dict()
        for name, weight in found.model.state_dict().items():
            torch.testing.assert_close(weight, expected[name], rtol=1e-4, atol=1e-6)


def test_bf16_of_a_stack_is_that_of_a_run_up_to_its_rounding():
    training = replace(TRAINING, precision="bf16")
    for found, one in zip(stacked(fits(training=training)), fits(training=training), strict=True):
        np.testing.assert_allclose(found.logits["dev"], alone(one).logits["dev"], atol=0.05)


def test_one_that_diverges_leaves_all_others_as_they_are():
    healthy = [MIXED[0], MIXED[1]]
    lost = (4, Base(), {"lr": 1e12, "clip": None})
    together = fits([healthy[0], lost, healthy[1]])
    first, diverged, second = stacked(together)
    assert isinstance(diverged, Diverged)
    assert "in epoch 1; a learning rate below 1e+12 may help" in str(diverged)
    assert together[1].at.reports[0].dev == {}
    for found, one in zip((first, second), fits(healthy), strict=True):
        assert_same(found, alone(one))


def test_a_stack_of_which_all_diverge_ends_with_the_epoch():
    together = fits(
        [(1, Base(), {"lr": 1e12, "clip": None}), (2, LS(), {"lr": 1e13, "clip": None})]
    )
    assert [type(found) for found in stacked(together)] == [Diverged, Diverged]
    assert {fit.at.steps for fit in together} == {3}


def test_runs_of_one_seed_drop_the_same_also_at_the_same_places_as_alone():
    """Two runs that are the same are the same to the bit: arms are compared in pairs."""
    same = [(7, Base(), {}), (8, Base(), {}), (7, LS(0.0), {})]
    first, other, second = stacked(fits(same))
    assert np.array_equal(first.logits["dev"], second.logits["dev"])
    assert not np.allclose(first.logits["dev"], other.logits["dev"], atol=1e-3)


def test_runs_may_have_training_and_dev_sets_of_their_own():
    def own() -> list[Fit]:
        made = fits(MIXED[:3], kind="Roberta")
        made[1].train_set, made[1].dev_set = texts(44, seed=8), texts(17, seed=9)
        return made

    for found, one in zip(stacked(own()), own(), strict=True):
        assert_same(found, alone(one))


def test_test_data_are_opened_only_of_the_runs_that_are_scored_on_them():
    opened, test = [], texts(20, seed=3, types=True)

    def open_test_set():
        opened.append(1)
        return test

    first, second = Stack(fits(MIXED[:2])).run([None, open_test_set])
    assert first.scores.keys() == {"dev", "overfitting"}
    assert second.scores.keys() == {"dev", "test", "overfitting"}
    assert opened == [1]


def test_what_runs_took_adds_up_to_what_all_took():
    import time

    began = time.process_time()
    ended = stacked(fits(MIXED[:4]))
    took = time.process_time() - began
    shares = [found.spent.cpu_seconds for found in ended]
    assert len({*shares}) == 1
    assert 0 < sum(shares) <= took


def test_each_run_is_told_of_its_own_epochs():
    told: list[tuple[int, int]] = []
    Stack(fits(MIXED[:2])).run([None, None], lambda i, epoch: told.append((i, epoch.number)))
    assert told == [(0, 1), (1, 1), (0, 2), (1, 2)]
