"""Optuna studies of searches: settings follow from what was told, whoever asks, however often."""

import ast
import math
from itertools import pairwise
from pathlib import Path

import optuna
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


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_each_setting_is_proposed_in_the_light_of_all_told_before_it(tmp_path, sampler):
    found = settings(tmp_path / "one.db", sampler)
    assert found == settings(tmp_path / "two.db", sampler, restarts=True)
    at_random = settings(tmp_path / "random.db", "random")
    assert all(a != b for a, b in zip(found[10:], at_random[10:], strict=True))
    assert all(a != b for a, b in pairwise(found))


class DiedError(Exception):
    """What a killed process is in a test."""


@pytest.mark.sampled(test=4)
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


#: Names of Optuna's that are not public and that `benchmark.tuning` uses.
PRIVATE = {"_storage", "_study_id", "_thread_local", "_trial_id", "_cached_frozen_trial"}


def test_the_private_names_of_optuna_that_are_used_are_these():
    folder = Path(optuna_studies.__file__).parent
    used = {
        node.attr
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_")
        if not (isinstance(node.value, ast.Name) and node.value.id == "self")
    }
    assert {name for name in used if not name.startswith("__")} == PRIVATE


def test_the_private_names_of_optuna_mean_what_they_are_used_for(tmp_path):
    storage = optuna.storages.get_storage(f"sqlite:///{tmp_path / 'optuna.db'}")
    study = optuna.create_study(storage=storage, study_name="study")
    assert study._storage is storage
    assert study._study_id == storage.get_study_id_from_name("study")
    trial_id = storage.create_new_trial(study._study_id)
    (found,) = study.get_trials(deepcopy=False)
    assert found._trial_id == trial_id
    # What a sampler sees is read once, until it is asked to be read anew.
    study._thread_local.cached_all_trials = []
    assert study._get_trials(deepcopy=False, use_cache=True) == []
    study._thread_local.cached_all_trials = None
    assert len(study._get_trials(deepcopy=False, use_cache=True)) == 1
    live = optuna.trial.Trial(study, trial_id)
    assert live._cached_frozen_trial.number == live.number == 0


def test_what_a_sampler_notes_for_one_more_trial_is_called_as_it_is_blanked(tmp_path):
    own = optuna_study(tmp_path / "one.db")
    for number in range(11):
        own.claim()
        own.propose(number)
        own.end(number, "complete", float(number), "", 1)
        own.tell(number)
    own.claim()
    # By Optuna's own way a trial notes what its sampler planned for it.
    own.study.sampler = optuna.samplers.TPESampler(seed=0)
    live = optuna.trial.Trial(own.study, own._ids[11])
    assert live.relative_params
    noted = own.study._storage.get_trial_system_attrs(own._ids[11])
    assert [name for name in noted if "relative_params" in name]
