"""All searches of a study, side by side on one engine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import optuna

from benchmark.declare.study import Study
from benchmark.declare.tuned import Params, Searching, searches
from benchmark.execute.engines import Engine
from benchmark.execute.interruption import patient
from benchmark.execute.scheduler import Scheduler
from benchmark.execute.worker import Ended, Progress
from benchmark.record.connection import Connection
from benchmark.record.query import Query
from benchmark.record.writer import Writer
from benchmark.runs.key import key
from benchmark.runs.plan import Planner
from benchmark.tuning.board import Board
from benchmark.tuning.hunt import Hunt
from benchmark.tuning.results import Tuned, TuningOutcome
from trainers.metrics import SELECTS


class Watcher(Protocol):
    """Who is told how searches get on."""

    def on_hunt(self, hunt: Hunt) -> None:
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
        storage: from :func:`benchmark.tuning.board.open_storage`.
    """

    def __init__(
        self, study: Study, connection: Connection, storage: optuna.storages.BaseStorage
    ) -> None:
        self.study, self.storage = study, storage
        self.query, self.writer = Query(connection), Writer(connection)
        self.searches = searches(study)
        self._boards: dict[str, Board] = {}

    def results(self, begin: bool = True) -> tuple[Tuned, ...]:
        """What the storage holds of every search that can begin.

        Args:
            begin: make the Optuna studies of searches that have none; else leave those out.
        """
        found: dict[str, Tuned] = {}
        begun = None if begin else set(optuna.get_all_study_names(self.storage))
        for searching in self.searches:
            board = self._board(searching, found, begun)
            if board:
                found[searching.name] = self._tuned(searching, board)
        return tuple(found.values())

    def is_complete(self, results: Sequence[Tuned]) -> bool:
        """Whether nothing is left to search: a lead that failed leaves its followers out."""
        failed = {r.searching.name for r in results if r.over and not r.best}
        begun = {r.searching.name for r in results if r.over}
        return all(s.name in begun or s.lead in failed for s in self.searches)

    def run(
        self,
        engine: Engine,
        experiment: str,
        tags: dict[str, str],
        watcher: Watcher,
        on_start: Callable[..., None],
    ) -> TuningOutcome:
        """Search until every search is over, or nothing more can be done.

        Args:
            engine: where trials are trained.
            experiment: MLflow's id of the study's experiment.
            tags: provenance.
            watcher: is told how it goes.
            on_start: told of every run as it starts.
        """
        scheduler = Scheduler(engine, self.query, self.writer, experiment, tags, on_start)
        hunts: dict[str, Hunt] = {}
        with patient() as check:
            try:
                self._hunt(hunts, scheduler, watcher, check)
            except KeyboardInterrupt:
                scheduler.stop()
                for hunt in hunts.values():
                    hunt.interrupt()
            except BaseException:
                engine.stop()  # no process is left behind
                raise
        results = self.results()
        interrupted = scheduler.outcome.interrupted
        return TuningOutcome(results, self.is_complete(results) and not interrupted, interrupted)

    def _hunt(
        self,
        hunts: dict[str, Hunt],
        scheduler: Scheduler,
        watcher: Watcher,
        check: Callable[[], None],
    ) -> None:
        while True:
            check()
            self._begin_hunts(hunts, scheduler, watcher)
            for hunt in sorted(hunts.values(), key=lambda h: len(h.trials)):
                if not hunt.over:
                    hunt.advance()
            over = all(h.over or h.stuck for h in hunts.values()) and not self._more(hunts)
            if over and not scheduler.busy:  # what was pruned needs a moment to stop
                return
            for event in scheduler.step():
                for hunt in hunts.values():
                    hunt.on_event(event)
                watcher.on_event(event)

    def board_of(self, tuned: Tuned) -> Board:
        """Where a search is kept."""
        return self._boards[tuned.searching.name]

    def records(self, results: Sequence[Tuned], experiment: str) -> Iterator[tuple[Tuned, str]]:
        """Each search with its run in MLflow."""
        for tuned in results:
            digest = self.board_of(tuned).name.rsplit(" ", 1)[1]
            run_id = self.query.find(experiment, {"role": "tuning", "digest": digest})
            if run_id:
                yield tuned, run_id

    def _more(self, hunts: dict[str, Hunt]) -> bool:
        """Whether a search can begin now that another is over."""
        if len(hunts) == len(self.searches):
            return False
        found = {r.searching.name for r in self.results()}
        return any(s.name in found and s.name not in hunts for s in self.searches)

    def _begin_hunts(
        self,
        hunts: dict[str, Hunt],
        scheduler: Scheduler,
        watcher: Watcher,
    ) -> None:
        waiting = [s for s in self.searches if s.name not in hunts]
        if not waiting or (hunts and not any(h.over for h in hunts.values())):
            return
        known = {r.searching.name: r for r in self.results()}
        for searching in waiting:
            board = self._board(searching, known)
            if board:
                run_id = self._record(searching, board, scheduler)
                hunt = Hunt(searching, board, self.study, scheduler, run_id)
                hunts[searching.name] = hunt
                hunt.siblings = hunts
                watcher.on_hunt(hunt)

    def _record(self, searching: Searching, board: Board, scheduler: Scheduler) -> str:
        """The search's own run in MLflow, begun or gone on with."""
        digest = board.name.rsplit(" ", 1)[1]
        found = self.query.find(scheduler.experiment, {"role": "tuning", "digest": digest})
        if found:
            self.writer.reopen(found)
            return found
        tags = {**scheduler.tags, "role": "tuning", "digest": digest, "optuna_study": board.name}
        parameters = {**self.study.tuning_used.specification(), "space": str(searching.space)}
        name = f"tuning {searching.name}"
        return self.writer.start(scheduler.experiment, name, tags, parameters)

    def _board(
        self, searching: Searching, known: dict[str, Tuned], among: set[str] | None = None
    ) -> Board | None:
        """The board of a search; None as long as it waits for its lead's settings.

        It is also None where its Optuna study has to be one of some that are given and is not.
        """
        if searching.name not in self._boards:
            settings: tuple[Params, ...] = ()
            if searching.lead:
                lead = known.get(searching.lead)
                if not lead or not lead.over or not lead.best:
                    return None
                best = [t.params for t in lead.ranked() if t.params]
                settings = tuple(best[: searching.trials])
            name, trials = self._identity(searching, settings)
            if among is not None and name not in among:
                return None
            self._boards[searching.name] = self._opened(searching, name, trials, settings)
        return self._boards[searching.name]

    def _identity(self, searching: Searching, settings: tuple[Params, ...]) -> tuple[str, int]:
        """What the Optuna study of a search is called, and how many settings it tries."""
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
                planner.arm_run(arm, task, seed, {})
                for arm, task in searching.members
                for seed in seeds
            ],
        }
        return f"{self.study.name} · {searching.name} · {key(identity)[:12]}", trials

    def _opened(
        self, searching: Searching, name: str, trials: int, settings: tuple[Params, ...]
    ) -> Board:
        return Board(
            name=name,
            space=searching.space,
            tuning=self.study.tuning_used,
            trials=trials,
            higher_is_better=SELECTS[self._metric(searching)],
            storage=self.storage,
            settings=settings,
        )

    def _metric(self, searching: Searching) -> str:
        return self.study.metric_on(searching.members[0][1])

    def _tuned(self, searching: Searching, board: Board) -> Tuned:
        trials = tuple(board.look())
        over = len(trials) == board.trials and all(t.told for t in trials)
        tuned = Tuned(
            searching=searching,
            planned=board.trials,
            metric=self._metric(searching),
            higher_is_better=board.higher_is_better,
            trials=trials,
            steps=sum(t.steps for t in trials),
            importances={},
        )
        if not over or not tuned.best:
            return tuned
        return replace(tuned, importances=board.importances(tuned.scores()))
