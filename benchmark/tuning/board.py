"""One search as an Optuna study: ask, report, tell. Only this package imports Optuna.

The sequence of settings is a function of the search alone, not of how fast its trials run, on how
many workers, or on how many machines. Three rules make it one:

- Trials are told in the order of their numbers, and trial k + ``ahead`` is proposed exactly when
  trial k has been told.
- The sampler of each trial is made anew from the seed and the trial's number, so that there is no
  state to lose.
- A trial may be pruned by comparison with earlier ones alone, point by point of their curves.

All that a crash could lose lies in Optuna's storage: settings, curves, ends.
"""

import os
import re
import socket
import time
import warnings
from collections.abc import Sequence
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
from sqlalchemy.exc import SQLAlchemyError

from benchmark.cache import is_running
from benchmark.errors import StoreError
from benchmark.search import Range, Search, Tuning, Value
from benchmark.searches import Params
from benchmark.tuning.trial import State, Trial

#: Settings below which nothing is said of how much each hyper-parameter matters.
FEWEST = 10
#: Seconds between signs of life of a process that holds trials, and after which it is given up.
BEAT, SILENCE = 20.0, 120.0
#: Seconds in which a process that takes a trial says so.
CLAIM = 10.0

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
            return optuna.storages.get_storage(
                optuna.storages.RDBStorage(url, engine_kwargs=options)
            )
        except (SQLAlchemyError, ImportError, ValueError, RuntimeError) as error:
            detail = str(error).strip().splitlines()[0]
            # Two processes made the tables of a new database at once: the other one was faster.
            if attempt == 9 or not re.search("already exists|UNIQUE|duplicate", detail):
                raise StoreError(
                    f"the Optuna storage {_shown(url)} cannot be opened: {detail}"
                ) from error
        time.sleep(0.2 * (attempt + 1))
    raise AssertionError("unreachable")


def _shown(url: str) -> str:
    """The address without a password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return repr(url)


class Board:
    """What is known of one search; every process that works on it has its own view.

    Args:
        name: of the Optuna study; the same search has the same name everywhere.
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
        space: Search,
        tuning: Tuning,
        trials: int,
        higher_is_better: bool,
        storage: optuna.storages.BaseStorage,
        settings: tuple[Params, ...] = (),
    ) -> None:
        self.name, self.space, self.tuning = name, space, tuning
        self.trials, self.settings = trials, settings
        self.higher_is_better = higher_is_better
        self.owner = f"{socket.gethostname()}:{os.getpid()}"
        self.study = optuna.create_study(
            study_name=name,
            storage=storage,
            direction="maximize" if higher_is_better else "minimize",
            sampler=optuna.samplers.RandomSampler(seed=0),
            pruner=optuna.pruners.NopPruner(),  # a Judge decides
            load_if_exists=True,
        )

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The space in Optuna's terms."""
        return {name: _distribution(among) for name, among in self.space.space}

    def look(self) -> list[Trial]:
        """All trials by number, as they are now."""
        found = self.study.get_trials(deepcopy=False)
        return [self._seen(trial) for trial in found[: self.trials]]

    def claim(self) -> int:
        """Take the next trial; its setting is proposed by :meth:`propose`."""
        self.study.sampler = self._sampler(0)
        trial = self.study.ask()
        self.keep(trial.number, owner=self.owner, beat=time.time())
        return int(trial.number)

    def propose(self, number: int) -> Params:
        """The setting of a claimed trial."""
        trial = self._trial(number)
        if self.settings:
            fixed = dict(self.settings[number])
            self.study.sampler = optuna.samplers.PartialFixedSampler(
                fixed, optuna.samplers.RandomSampler(seed=0)
            )
        else:
            self.study.sampler = self._sampler(number)
        with warnings.catch_warnings():
            # Multivariate TPE says so each time when the first trials are drawn at random.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            live = optuna.trial.Trial(self.study, trial._trial_id)
            return {name: _suggest(live, name, among) for name, among in self.distributions.items()}

    def report(self, number: int, step: int, value: float) -> None:
        """Add a point to a trial's curve."""
        optuna.trial.Trial(self.study, self._trial(number)._trial_id).report(value, step)

    def keep(self, number: int, **what: Any) -> None:
        """Note something about a trial."""
        storage, trial = self.study._storage, self._trial(number)
        for name, value in what.items():
            storage.set_trial_user_attr(trial._trial_id, name, value)

    def tell(self, trial: Trial) -> None:
        """Let the sampler know how a trial ended; all trials before it must have been told."""
        assert trial.end is not None
        self.study.sampler = optuna.samplers.RandomSampler(seed=0)  # a grid would stop the study
        values = trial.value if trial.end == "complete" else None
        self.study.tell(trial.number, values, STATES[trial.end], skip_if_finished=True)

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

    def _trial(self, number: int) -> FrozenTrial:
        return self.study.get_trials(deepcopy=False)[number]

    def _seen(self, trial: FrozenTrial) -> Trial:
        kept = trial.user_attrs
        return Trial(
            number=trial.number,
            params=trial.params if trial.params.keys() >= set(self.space.names) else None,
            curve=trial.intermediate_values,
            end=kept.get("end"),
            value=kept.get("value"),
            reason=kept.get("reason", ""),
            told=trial.state.is_finished(),
            owner=kept.get("owner", ""),
            beat=kept.get("beat", 0.0),
            begun=trial.datetime_start.timestamp() if trial.datetime_start else 0.0,
            run_id=kept.get("run_id", ""),
            steps=kept.get("steps", 0),
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


def is_alive(trial: Trial) -> bool:
    """Whether the process that holds a trial still works on it, as far as can be told from here."""
    if not trial.owner:  # claimed a moment ago, or by a process that died in that moment
        return time.time() - trial.begun < CLAIM
    host, _, pid = trial.owner.rpartition(":")
    if host == socket.gethostname() and not is_running(int(pid)):
        return False
    return time.time() - trial.beat < SILENCE


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
