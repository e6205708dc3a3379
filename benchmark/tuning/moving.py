"""What Optuna knows of a search, as plain data, on its way from one storage to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

from benchmark.errors import StoreError
from benchmark.tuning.optuna_study import guarding_storage, open_storage


def told_trials(url: str, name: str) -> dict[str, Any]:
    """A search's trials up to the first that has not ended; empty where there is none.

    Args:
        url: of the storage.
        name: of the Optuna study.
    """
    storage = open_storage(url)
    with guarding_storage(url):
        if name not in optuna.get_all_study_names(storage):
            return {}
        study = optuna.load_study(study_name=name, storage=storage)
        trials = takewhile(lambda trial: trial.state.is_finished(), study.get_trials())
        found = [_as_json(trial) for trial in trials]
        direction = study.direction.name.lower()
    return {"name": name, "direction": direction, "trials": found} if found else {}


def add_trials(url: str, search: Mapping[str, Any]) -> bool:
    """Add the trials of a search that a storage lacks; whether there were any.

    The sequence of trials is a function of the search, so that those which are there are the first
    of it; a search that somebody is at work on is left alone.

    Args:
        url: of the storage.
        search: from :func:`told_trials`.

    Raises:
        StoreError: what was read is no such search.
    """
    storage = open_storage(url)
    with guarding_storage(url):
        try:
            trials = [*_trials(search["trials"])]
            study = optuna.create_study(
                storage=storage,
                study_name=search["name"],
                direction=search["direction"],
                load_if_exists=True,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"what was kept of a search cannot be read: {error}") from error
        there = study.get_trials(deepcopy=False)
        if not all(trial.state.is_finished() for trial in there):
            return False
        study.add_trials(trials[len(there) :])
        return len(there) < len(trials)


def _as_json(trial: FrozenTrial) -> dict[str, Any]:
    spaces = trial.distributions
    return {
        "state": trial.state.name,
        "values": trial.values,
        "params": trial.params,
        "distributions": {name: distribution_to_json(spaces[name]) for name in spaces},
        "curve": [[step, value] for step, value in sorted(trial.intermediate_values.items())],
        "user": trial.user_attrs,
        "system": trial.system_attrs,
        "began": trial.datetime_start.isoformat() if trial.datetime_start else None,
        "ended": trial.datetime_complete.isoformat() if trial.datetime_complete else None,
    }


def _trials(read: Any) -> Iterator[FrozenTrial]:
    for number, each in enumerate(read):
        spaces = {name: json_to_distribution(text) for name, text in each["distributions"].items()}
        yield FrozenTrial(
            number=number,
            trial_id=number,  # the storage gives it another one
            state=TrialState[each["state"]],
            value=None,
            values=each["values"],
            params=each["params"],
            distributions=spaces,
            intermediate_values={int(step): float(value) for step, value in each["curve"]},
            user_attrs=each["user"],
            system_attrs=each["system"],
            datetime_start=_time(each["began"]),
            datetime_complete=_time(each["ended"]),
        )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
