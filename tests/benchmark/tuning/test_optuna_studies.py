"""Optuna studies of searches: settings follow from what was told, whoever asks, however often."""

import math
from itertools import pairwise
from pathlib import Path

import pytest

from benchmark.declare.search import Params, Range, Search, Tuning
from benchmark.tuning import optuna_study as optuna_studies
from benchmark.tuning.optuna_study import OptunaStudy, open_storage

TRIALS = 14  # Optuna's samplers draw the first ten at random


def optuna_study(path: Path, sampler: str = "tpe", trials: int = TRIALS) -> OptunaStudy:
    """A new view of the search in a database, as of a process that begins."""
    return OptunaStudy(
        name="search",
        digest="0",
        space=Search(lr=Range(1e-4, 1e-1, log=True), batch_size=[8, 16, 32]),
        tuning=Tuning(trials=trials, sampler=sampler),
        trials=trials,
        higher_is_better=True,
        storage=open_storage(f"sqlite:///{path}"),
    )


def score(params: Params) -> float:
    return -abs(math.log10(params["lr"]) + 2) - params["batch_size"] / 100


def settings(path: Path, sampler: str, restarts: bool = False) -> list[Params]:
    """What a search tries, one setting after the other."""
    own, found = optuna_study(path, sampler), []
    for number in range(TRIALS):
        if restarts:
            own = optuna_study(path, sampler)
        own.claim()
        found.append(own.propose(number))
        own.end(number, "complete", score(found[-1]), "", 1)
        own.tell(number)
    return found


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_each_setting_is_proposed_in_the_light_of_all_told_before_it(tmp_path, sampler):
    found = settings(tmp_path / "one.db", sampler)
    assert found == settings(tmp_path / "two.db", sampler, restarts=True)
    at_random = settings(tmp_path / "random.db", "random")
    assert all(a != b for a, b in zip(found[10:], at_random[10:], strict=True))
    assert all(a != b for a, b in pairwise(found))


class DiedError(Exception):
    """What a killed process is in a test."""


@pytest.mark.parametrize(
    ("sampler", "number"), [("random", 0), ("tpe", 0), ("tpe", 12), ("gp", 12)]
)
def test_a_process_that_dies_while_it_proposes_changes_no_setting(
    tmp_path, monkeypatch, sampler, number
):
    expected, suggest = settings(tmp_path / "whole.db", sampler), optuna_studies._suggest

    def dies(trial, name, among):
        if trial.number == number and name == "batch_size":
            raise DiedError
        return suggest(trial, name, among)

    monkeypatch.setattr(optuna_studies, "_suggest", dies)
    with pytest.raises(DiedError):
        settings(tmp_path / "half.db", sampler)
    monkeypatch.undo()
    after = optuna_study(tmp_path / "half.db", sampler)
    assert len(after.look()) == number + 1
    assert after.propose(number) == expected[number]


def test_who_comes_too_late_for_the_last_trial_sees_who_has_it(tmp_path):
    first, late = (optuna_study(tmp_path / "one.db", trials=1) for _ in range(2))
    first.claim()
    late.claim()
    assert [trial.owner for trial in late.seen] == [first.owner]
    assert late.look() == late.seen
