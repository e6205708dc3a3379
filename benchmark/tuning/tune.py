"""All searches of a study, side by side on one engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import optuna

from benchmark.declare.search import Params
from benchmark.declare.study import Study
from benchmark.declare.tuned import Searching, searches
from benchmark.errors import RecordLost
from benchmark.execute.attempt.interruption import patient
from benchmark.execute.job import Ended, Progress
from benchmark.execute.scheduler import Scheduler
from benchmark.record.query import Query
from benchmark.record.writer import Writer
from benchmark.runs.key import key
from benchmark.runs.plan import Planner
from benchmark.store.connection import Connection
from benchmark.store.outages import in_a_hurry
from benchmark.tuning.optuna_study import OptunaStudy
from benchmark.tuning.results import Tuned, TuningOutcome, all_over
from benchmark.tuning.search_loop import SearchLoop

#: By arm and task, why a run of theirs never comes to its end.
Hopeless = Mapping[tuple[str, str], str]


class Watcher(Protocol):
    """Who is told how searches get on."""

    def on_search(self, loop: SearchLoop) -> None:
        """A search begins or goes on."""
        ...

    def on_event(self, event: Progress | Ended) -> None:
        """A worker said something."""
        ...


class StudyTuning:
    """The searches of a study in one Optuna storage.

    Args:
        study: what was declared.
        connection: to the record.
        storage: from :func:`benchmark.tuning.optuna_study.open_storage`.
    """

    def __init__(
        self, study: Study, connection: Connection, storage: optuna.storages.BaseStorage
    ) -> None:
        self.study, self.storage = study, storage
        self.query, self.writer = Query(connection), Writer(connection)
        self.searches = searches(study)
        self.hopeless: Hopeless = {}
        self._optuna_studies: dict[str, OptunaStudy] = {}

    def results(self, begin: bool = True) -> tuple[Tuned, ...]:
        """What the storage holds of every search that can begin.

        Args:
            begin: make the Optuna studies of searches that have none; else leave those out.
        """
        found: dict[str, Tuned] = {}
        begun = None if begin else set(optuna.get_all_study_names(self.storage))
        for searching in self.searches:
            optuna_study = self._optuna_study(searching, found, begun)
            if optuna_study:
                found[searching.name] = self._tuned(searching, optuna_study)
        return tuple(found.values())

    def is_complete(self, results: Sequence[Tuned]) -> bool:
        """Whether nothing is left to search."""
        return all_over(self.searches, results)

    def run(
        self, scheduler: Scheduler, watcher: Watcher, hopeless: Hopeless | None = None
    ) -> TuningOutcome:
        """Search until every search is over, or nothing more can be done.

        Args:
            scheduler: trains.
            watcher: is told how it goes.
            hopeless: arms whose trials are given up before they start.
        """
        self.hopeless = hopeless or {}
        loops: dict[str, SearchLoop] = {}
        with patient() as check:
            try:
                self._search(loops, scheduler, watcher, check)
            except KeyboardInterrupt:
                scheduler.stop()
                with in_a_hurry(), suppress(RecordLost):  # the next command closes what is open
                    for loop in loops.values():
                        loop.interrupt()
            except BaseException:
                scheduler.engine.stop()  # no process is left behind
                raise
        results = self.results()
        interrupted = scheduler.outcome.interrupted
        return TuningOutcome(results, self.is_complete(results) and not interrupted, interrupted)

    def _search(
        self,
        loops: dict[str, SearchLoop],
        scheduler: Scheduler,
        watcher: Watcher,
        check: Callable[[], None],
    ) -> None:
        while True:
            check()
            self._begin_loops(loops, scheduler, watcher)
            for loop in sorted(loops.values(), key=lambda s: len(s.trials)):
                if not loop.over:
                    loop.advance()
            over = all(s.over or s.stuck for s in loops.values()) and not self._more(loops)
            if over and not scheduler.busy:  # what was pruned needs a moment to stop
                return
            for event in scheduler.step():
                for loop in loops.values():
                    loop.on_event(event)
                watcher.on_event(event)

    def optuna_study_of(self, tuned: Tuned) -> OptunaStudy:
        """Where a search is kept."""
        return self._optuna_studies[tuned.searching.name]

    def records(self, results: Sequence[Tuned], experiment: str) -> Iterator[tuple[Tuned, str]]:
        """Each search with its run in MLflow."""
        for tuned in results:
            digest = self.optuna_study_of(tuned).digest
            run_id = self.query.find(experiment, {"role": "tuning", "digest": digest})
            if run_id:
                yield tuned, run_id

    def _more(self, loops: dict[str, SearchLoop]) -> bool:
        """Whether a search can begin now that another is over."""
        if len(loops) == len(self.searches):
            return False
        found = {r.searching.name for r in self.results()}
        return any(s.name in found and s.name not in loops for s in self.searches)

    def _begin_loops(
        self,
        loops: dict[str, SearchLoop],
        scheduler: Scheduler,
        watcher: Watcher,
    ) -> None:
        waiting = [s for s in self.searches if s.name not in loops]
        if not waiting or (loops and not any(s.over for s in loops.values())):
            return
        known = {r.searching.name: r for r in self.results()}
        for searching in waiting:
            optuna_study = self._optuna_study(searching, known)
            if optuna_study:
                run_id = self._record(searching, optuna_study, scheduler)
                loop = SearchLoop(searching, optuna_study, self.study, scheduler, run_id)
                loops[searching.name] = loop
                loop.siblings = loops
                places = [(arm.label, task.name) for arm, task in searching.members]
                loop.hopeless = next((self.hopeless[p] for p in places if p in self.hopeless), "")
                watcher.on_search(loop)

    def _record(self, searching: Searching, optuna_study: OptunaStudy, scheduler: Scheduler) -> str:
        """The search's own run in MLflow, begun or gone on with."""
        search = {"role": "tuning", "digest": optuna_study.digest}
        found = self.query.find(scheduler.experiment, search)
        if found:
            self.writer.reopen(found)
            return found
        tags = {**scheduler.tags, **search, "optuna_study": optuna_study.name}
        tags |= {"planned": str(optuna_study.trials), "search": searching.name}
        parameters = {**self.study.tuning_used.specification(), "space": str(searching.space)}
        name = f"tuning {searching.name}"
        return self.writer.start(scheduler.experiment, name, tags, parameters)

    def _optuna_study(
        self, searching: Searching, known: dict[str, Tuned], among: set[str] | None = None
    ) -> OptunaStudy | None:
        """The Optuna study of a search; None as long as it waits for its lead's settings.

        It is also None where its Optuna study has to be one of some that are given and is not.
        """
        if searching.name not in self._optuna_studies:
            settings: tuple[Params, ...] = ()
            if searching.lead:
                lead = known.get(searching.lead)
                if not lead or not lead.over or not lead.best:
                    return None
                best = [t.params for t in lead.ranked() if t.params]
                settings = tuple(best[: searching.trials])
            digest, trials = self._identity(searching, settings)
            name = f"{self.study.name} · {searching.name} · {digest}"
            if among is not None and name not in among:
                return None
            self._optuna_studies[searching.name] = OptunaStudy(
                name=name,
                digest=digest,
                space=searching.space,
                tuning=self.study.tuning_used,
                trials=trials,
                higher_is_better=self._more_is_better(searching),
                storage=self.storage,
                settings=settings,
            )
        return self._optuna_studies[searching.name]

    def _identity(self, searching: Searching, settings: tuple[Params, ...]) -> tuple[str, int]:
        """A digest of all that a search depends on, and how many settings it tries."""
        tuning, planner = self.study.tuning_used, Planner(self.study)
        seeds = tuning.seeds_beside(self.study.seeds)
        trials = len(settings) or searching.trials
        identity = {
            "space": searching.space,
            "tuning": tuning.specification(),
            "trials": trials,
            "settings": settings,
            # The members as declared: their keys hold data, model, method, training, teachers.
            "runs": [
                k for arm, task in searching.members for k in planner.arm_runs(arm, task, seeds, {})
            ],
        }
        return key(identity)[:12], trials

    def _metric(self, searching: Searching) -> str:
        return self.study.metric_on(searching.members[0][1])

    def _more_is_better(self, searching: Searching) -> bool:
        return searching.members[0][1].metrics[self._metric(searching)]

    def _tuned(self, searching: Searching, optuna_study: OptunaStudy) -> Tuned:
        trials = tuple(optuna_study.look())
        over = len(trials) == optuna_study.trials and all(t.told for t in trials)
        tuned = Tuned(
            searching=searching,
            planned=optuna_study.trials,
            metric=self._metric(searching),
            higher_is_better=optuna_study.higher_is_better,
            trials=trials,
            steps=sum(t.steps for t in trials),
            importances={},
        )
        if not over or not tuned.best:
            return tuned
        return replace(tuned, importances=optuna_study.importances(tuned.scores()))
