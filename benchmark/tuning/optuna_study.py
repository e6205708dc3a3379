"""One search as an Optuna study: ask, report, tell. Only this package imports Optuna.

The sequence of settings is a function of the search alone, not of how fast its trials run, on how
many workers, or on how many machines. Three rules make it one:

- Trials are told in the order of their numbers, and trial k + `ahead` is proposed exactly when
  trial k has been told.
- The sampler of each trial is made anew from the seed and the trial's number, so that there is no
  state to lose.
- A trial may be pruned by comparison with earlier ones alone, point by point of their curves.

All that a crash could lose lies in Optuna's storage: settings, curves, ends.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

import optuna
from numpy.random import SeedSequence
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from benchmark.declare.search import Params, Range, Search, Tuning, Value
from benchmark.errors import StoreError
from benchmark.secrets import masked
from benchmark.store.faults import explained, line
from benchmark.store.outages import lost
from benchmark.store.process import Process
from benchmark.tuning.trial import Signs, State, Trial, claimed

#: Settings below which nothing is said of how much each hyper-parameter matters.
FEWEST = 10

#: The same in Optuna's terms.
STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


def open_storage(url: str) -> optuna.storages.BaseStorage:
    """Optuna's storage.

    Args:
        url: of a database that SQLAlchemy knows.

    Raises:
        StoreError: it cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # A database file waits for its turn to be written; with eight processes that takes a while.
    options = {"connect_args": {"timeout": 120}} if url.startswith("sqlite") else {}
    for attempt in range(10):
        try:
            storage = optuna.storages.RDBStorage(url, engine_kwargs=options)
            if url.startswith("sqlite"):
                # One wait for the disk in a thousand writes, not three in each; a killed process
                # loses nothing by it.
                event.listen(storage.engine, "connect", _write_ahead)
                storage.engine.dispose()
            return optuna.storages.get_storage(storage)
        except (SQLAlchemyError, ImportError, ValueError, RuntimeError) as error:
            fault = explained(error)
            detail = f"{fault.cause}. {fault.remedy}." if fault else line(error)
            # Two processes made the tables of a new database at once: the other one was faster.
            if attempt == 9 or not re.search("already exists|UNIQUE|duplicate", str(error)):
                raise StoreError(
                    f"the Optuna storage {masked(url)} cannot be opened: {detail}"
                ) from error
        time.sleep(0.2 * (attempt + 1))
    raise AssertionError("unreachable")


def _write_ahead(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


@contextmanager
def guarding_storage(url: str) -> Iterator[None]:
    """Within this block a fault of Optuna's storage is one sentence.

    Raises:
        RecordLost: with what happened, and how to go on.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, optuna.exceptions.StorageInternalError) as error:
        raise lost(masked(url), error.__cause__ or error) from error


class OptunaStudy:
    """What is known of one search; every process that works on it has its own view.

    Args:
        name: of the Optuna study; the same search has the same name everywhere.
        digest: of all that the search depends on.
        space: what is searched.
        tuning: how.
        trials: settings tried.
        higher_is_better: of the objective.
        storage: from :func:`open_storage`.
        settings: tried in this order instead of what a sampler proposes.
    """

    def __init__(
        self,
        name: str,
        digest: str,
        space: Search,
        tuning: Tuning,
        trials: int,
        higher_is_better: bool,
        storage: optuna.storages.BaseStorage,
        settings: tuple[Params, ...] = (),
    ) -> None:
        self.name, self.digest, self.space, self.tuning = name, digest, space, tuning
        self.trials, self.settings = trials, settings
        self.higher_is_better = higher_is_better
        self.owner = Process.here().name
        self.signs = Signs()
        self.seen: list[Trial] = []
        self._ids: list[int] = []
        self.study = optuna.create_study(
            study_name=name,
            storage=storage,
            direction="maximize" if higher_is_better else "minimize",
            sampler=optuna.samplers.RandomSampler(seed=0),
            pruner=optuna.pruners.NopPruner(),  # benchmark.tuning.pruner decides
            load_if_exists=True,
        )

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The space in Optuna's terms."""
        return {name: _distribution(among) for name, among in self.space.space}

    def look(self) -> list[Trial]:
        """Read all trials anew; :attr:`seen` keeps them, with what this process does to them."""
        found = self.study.get_trials(deepcopy=False)[: self.trials]
        self._ids = [trial._trial_id for trial in found]
        self.seen = [self._read(trial) for trial in found]
        return self.seen

    @property
    def is_shared(self) -> bool:
        """Whether another process had an open trial when this one last looked."""
        return any(not trial.told and trial.owner != self.owner for trial in self.seen)

    def claim(self) -> None:
        """Take the next trial; its setting is proposed by :meth:`propose`."""
        storage = self.study._storage
        # Study.ask would propose at once, and read every trial for that.
        trial_id = storage.create_new_trial(self.study._study_id)
        number = storage.get_trial_number_from_id(trial_id)
        if number >= self.trials:  # another process took the last one at the same moment
            storage.set_trial_state_values(trial_id, TrialState.FAIL)
            self.look()
            return
        beat = time.time()
        self._write(trial_id, "owner", {"who": self.owner, "beat": beat})
        if number == len(self.seen):
            self._ids.append(trial_id)
            self.seen.append(claimed(number, self.owner, beat))
        else:
            self.look()

    def propose(self, number: int) -> Params:
        """The setting of a claimed trial."""
        if self.settings:
            self.study.sampler = optuna.samplers.PartialFixedSampler(
                dict(self.settings[number]), optuna.samplers.RandomSampler(seed=0)
            )
        else:
            self.study.sampler = self._sampler(number)
        # Study.ask would do it: samplers read trials from a copy that else is made only once.
        self.study._thread_local.cached_all_trials = None
        self._forget_plans(number)
        live = optuna.trial.Trial(self.study, self._ids[number])
        for name, among in self.distributions.items():
            # Part of the setting of a process that died while it proposed: draw what that one drew.
            if name in live.params and name not in live.relative_params and not among.single():
                self.study.sampler.sample_independent(
                    self.study, live._cached_frozen_trial, name, among
                )
        params = {name: _suggest(live, name, among) for name, among in self.distributions.items()}
        self._see(number, params=params)
        return params

    def _forget_plans(self, number: int) -> None:
        """Blank what a sampler noted for others to see, and would take for one more trial."""
        storage, trial_id = self.study._storage, self._ids[number]
        for name in storage.get_trial_system_attrs(trial_id):
            if "relative_params" in name:
                storage.set_trial_system_attr(trial_id, name, "")

    def own(self, number: int, run_id: str) -> None:
        """Say that this process trains a trial, and is alive."""
        owner = {"who": self.owner, "beat": time.time(), "run_id": run_id}
        self._write(self._ids[number], "owner", owner)
        self._see(number, owner=self.owner, beat=owner["beat"], run_id=run_id)

    def report(self, number: int, step: int, value: float) -> None:
        """Add a point to a trial's curve."""
        with suppress(optuna.exceptions.UpdateFinishedTrialError):  # taken over and told
            self.study._storage.set_trial_intermediate_value(self._ids[number], step, value)
        self._see(number, curve={**self.seen[number].curve, step: value})

    def end(self, number: int, state: State, value: float | None, reason: str, steps: int) -> None:
        """Note how a trial ended."""
        ended = {"state": state, "value": value, "reason": reason, "steps": steps}
        self._write(self._ids[number], "end", ended)
        self._see(number, end=state, value=value, reason=reason, steps=steps)

    def tell(self, number: int) -> None:
        """Let the sampler know how a trial ended; all trials before it must have been told."""
        trial = self.seen[number]
        assert trial.end is not None
        value = trial.value if trial.end == "complete" else None
        if trial.end == "pruned" and trial.curve:  # as Optuna itself notes it, for its dashboards
            value = trial.curve[max(trial.curve)]
        # Another process may come first.
        with suppress(optuna.exceptions.UpdateFinishedTrialError):
            self.study._storage.set_trial_state_values(
                self._ids[number], STATES[trial.end], None if value is None else [value]
            )
        self._see(number, told=True)

    def _see(self, number: int, **changed: Any) -> None:
        self.seen[number] = replace(self.seen[number], **changed)

    def _write(self, trial_id: int, name: str, value: Mapping[str, Any]) -> None:
        with suppress(optuna.exceptions.UpdateFinishedTrialError):  # taken over and told
            self.study._storage.set_trial_user_attr(trial_id, name, value)

    def importances(self, scores: Sequence[float]) -> dict[str, float]:
        """Share of each hyper-parameter in the variance of the scores, by functional ANOVA.

        Args:
            scores: one for each trial; pruned ones have one here, and none in Optuna.

        Returns:
            Empty where fewer than :data:`FEWEST` settings were scored, or all alike.
        """
        settings = [t.params for t in self.look()]
        if len(settings) < FEWEST or len(set(scores)) < 2:
            return {}
        scored = optuna.create_study()
        for params, score in zip(settings, scores, strict=True):
            trial = optuna.trial.create_trial(
                params=dict(params or {}), distributions=self.distributions, value=score
            )
            scored.add_trial(trial)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(scored, evaluator=evaluator)
        return {name: float(share) for name, share in found.items()}

    def _read(self, trial: FrozenTrial) -> Trial:
        owner = trial.user_attrs.get("owner", {})
        end = trial.user_attrs.get("end", {})
        return Trial(
            number=trial.number,
            params=trial.params if trial.params.keys() >= set(self.space.names) else None,
            curve=trial.intermediate_values,
            end=end.get("state"),
            value=end.get("value"),
            reason=end.get("reason", ""),
            told=trial.state.is_finished(),
            owner=owner.get("who", ""),
            beat=owner.get("beat", 0.0),
            run_id=owner.get("run_id", ""),
            steps=end.get("steps", 0),
        )

    def _sampler(self, number: int) -> BaseSampler:
        """A sampler for one trial, the same whenever and wherever it is made."""
        (seed,) = SeedSequence([self.tuning.seed, number]).generate_state(1).tolist()
        samplers = optuna.samplers
        match self.tuning.sampler:
            case "tpe":
                return samplers.TPESampler(seed=seed)
            case "gp":
                return samplers.GPSampler(seed=seed, deterministic_objective=False)
            case "random":
                return samplers.RandomSampler(seed=seed)
            case "grid":
                grid = {n: list(a) for n, a in self.space.space if not isinstance(a, Range)}
                # One order of the grid for all trials: each takes the point of its number.
                return samplers.GridSampler(grid, seed=self.tuning.seed)


def _distribution(among: tuple[Value, ...] | Range) -> BaseDistribution:
    if not isinstance(among, Range):
        return CategoricalDistribution(among)
    if isinstance(among.low, int) and isinstance(among.high, int):
        return IntDistribution(among.low, among.high, log=among.log)
    return FloatDistribution(among.low, among.high, log=among.log)


def _suggest(trial: optuna.trial.Trial, name: str, among: BaseDistribution) -> Value:
    match among:
        case CategoricalDistribution():
            chosen = trial.suggest_categorical(name, among.choices)
            assert chosen is not None  # no Search holds None
            return chosen
        case IntDistribution():
            return trial.suggest_int(name, among.low, among.high, log=among.log)
        case FloatDistribution():
            return trial.suggest_float(name, among.low, among.high, log=among.log)
    raise TypeError(f"no way to suggest from a {type(among).__name__}")
