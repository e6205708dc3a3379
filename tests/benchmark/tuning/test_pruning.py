"""Decisions about pruning are a function of the curves, whatever the order in which they come."""

from dataclasses import replace
from random import Random

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark import Tuning
from benchmark.tuning.pruner import Pruner
from benchmark.tuning.trial import Trial

EPOCHS = 9
curves = st.lists(
    st.lists(st.integers(0, 100).map(float), min_size=EPOCHS, max_size=EPOCHS),
    min_size=1,
    max_size=9,
)


def fresh(number: int) -> Trial:
    return Trial(number, {}, {}, None, None, "", False, "", 0.0, "", 0)


def outcome(tuning: Tuning, everything: list[list[float]], order: Random) -> list[tuple]:
    """Let trials train at random speeds, as a search does, until all have ended."""
    pruner = Pruner(tuning, higher_is_better=True)
    trials = [fresh(n) for n in range(len(everything))]
    trained = [0] * len(trials)
    while any(t.end is None for t in trials):
        running = [t.number for t in trials if t.end is None]
        fast = order.choice(running)
        trained[fast] = min(EPOCHS, trained[fast] + order.randint(1, EPOCHS))
        for n in running:
            while trials[n].end is None and len(trials[n].curve) < trained[n]:
                step = len(trials[n].curve) + 1
                if not pruner.may_see(trials, n, step):
                    break
                trials[n] = replace(
                    trials[n], curve={**trials[n].curve, step: everything[n][step - 1]}
                )
                if pruner.sees(trials[n]) is not None:
                    trials[n] = replace(trials[n], end="pruned")
                elif step == EPOCHS:
                    trials[n] = replace(trials[n], end="complete", value=everything[n][-1])
                pruner.hears(trials[n])
    return [(t.end, len(t.curve)) for t in trials]


@pytest.mark.sampled(test_all=2)
@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(curves, st.randoms(use_true_random=False), st.randoms(use_true_random=False))
@pytest.mark.parametrize("pruner", ["asha", "wilcoxon"])
def test_who_is_pruned_does_not_depend_on_who_is_fast(pruner, everything, one, other):
    tuning = Tuning(pruner=pruner, seeds=9)
    assert outcome(tuning, everything, one) == outcome(tuning, everything, other)


@settings(deadline=None, max_examples=40)
@given(curves)
def test_one_at_a_time_it_decides_as_optuna_does(everything):
    study = optuna.create_study(
        direction="maximize",
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    )
    expected = []
    for curve in everything:
        trial = study.ask()
        for step, value in enumerate(curve, start=1):
            trial.report(value, step)
            if trial.should_prune():
                break
        pruned = trial.should_prune() if step < EPOCHS else False
        ended = "pruned" if step < EPOCHS or pruned else "complete"
        expected.append(step)
        study.tell(trial, curve[-1] if ended == "complete" else None, state=STATES[ended])
    found = outcome(Tuning(), everything, Random(0))
    assert [steps for _, steps in found] == expected


STATES = {"complete": optuna.trial.TrialState.COMPLETE, "pruned": optuna.trial.TrialState.PRUNED}


def test_a_new_judge_decides_from_the_curves_what_the_old_one_did():
    everything = [[10.0 * n + e for e in range(EPOCHS)] for n in (5, 1, 3, 8, 2, 9, 4)]
    ends = outcome(Tuning(), everything, Random(1))
    trials = [
        replace(fresh(n), curve=dict(enumerate(everything[n][:steps], start=1)))
        for n, (_, steps) in enumerate(ends)
    ]
    late = Pruner(Tuning(), higher_is_better=True)
    stops = [late.sees(trial) for trial in trials]
    assert [stop is not None for stop in stops] == [end == "pruned" for end, _ in ends]
    assert "pruned" in {end for end, _ in ends}


def test_wilcoxon_stops_what_loses_seed_by_seed():
    good, bad = [70.0 + e for e in range(EPOCHS)], [60.0 + e for e in range(EPOCHS)]
    first, second = outcome(Tuning(pruner="wilcoxon", seeds=9), [good, bad], Random(0))
    assert first == ("complete", EPOCHS)
    assert second[0] == "pruned"
    assert 4 <= second[1] < EPOCHS  # a signed-rank test has nothing to say of fewer pairs
