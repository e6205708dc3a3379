"""What the commands on one study share: the study, its record, and where runs are executed."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path

from rich.console import Console

from benchmark.checks.gpus import require_gpu_study
from benchmark.checks.memory import require_memory
from benchmark.checks.mixing import Choice, settle
from benchmark.checks.preflight import preflight, read_from
from benchmark.checks.remarks import remarks
from benchmark.checks.space import require_space
from benchmark.declare.limits import declarations
from benchmark.declare.loading import load_study
from benchmark.declare.study import Study
from benchmark.errors import RecordLost, StudyError
from benchmark.execute.engines import Engine
from benchmark.execute.engines.processes import warm_up
from benchmark.execute.gpus.gpu import FindGpus, look
from benchmark.execute.hidden import with_hidden
from benchmark.execute.scheduler import Scheduler
from benchmark.execute.todo import todo
from benchmark.record.environment import environment_here
from benchmark.record.left_open import close_orphans
from benchmark.record.provenance import provenance
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.studies import use_of
from benchmark.record.writer import Writer
from benchmark.runs.alike import unfollowed
from benchmark.runs.kinds import Run
from benchmark.runs.plan import Plan, Settings, make_plan
from benchmark.runs.reach.alterations import altered_names
from benchmark.session.engines import Asked, Execution
from benchmark.store.connection import Connection
from benchmark.store.outages import in_a_hurry, persevering
from benchmark.store.store import Store
from benchmark.terminal.page import page
from benchmark.tuning.results import Tuned, chosen
from benchmark.user_code.foreign import is_foreign
from benchmark.user_code.project import Project
from benchmark.user_code.waiting import stop
from trainers.errors import TrainerError

#: Seconds that a run of a rehearsal may take.
_REHEARSED = 120.0


@dataclass(frozen=True)
class Session:
    """What the commands on one study share.

    Attributes:
        study_file: as the user gave it.
        study: what it declares.
        connection: to the record.
        optuna_storage: where searches are kept, if not beside the record.
        asked: what the command line says of the engine.
        console: where to print.
        debug: whether to show tracebacks of failed runs.
        rehearses: whether runs are tiny, executed one by one, and their record is thrown away.
        environments: what to do with runs that are recorded from another environment.
        run_timeout: seconds that a run may take.
    """

    study_file: Path
    study: Study
    connection: Connection
    optuna_storage: str | None
    asked: Asked
    console: Console
    debug: bool
    rehearses: bool = False
    environments: Choice | None = None
    run_timeout: float = inf

    @classmethod
    def of(
        cls,
        options: argparse.Namespace,
        study: Study | None = None,
        store: Store | None = None,
        rehearses: bool = False,
        find_gpus: FindGpus = look,
    ) -> Session:
        """The session of a command line, of a study for which everything is there.

        Args:
            options: of the command.
            study: in place of the one that is declared in the study file.
            store: in place of the one that the command line names.
            rehearses: whether runs are tiny and nothing is kept of them.
            find_gpus: finds out which there are, where the command line asks for some.
        """
        read_from(options.data)
        asked = Asked.of(options, find_gpus)  # before code of the study may open the driver
        study, store = study or load_study(options.study), store or Store.choose(options.store)
        if not (rehearses or store.exists()):
            warm_up()  # all is to do: its imports go on beside what comes before the first run
        storage = options.optuna_storage or _storage_of(rehearses)
        if storage:
            from benchmark.tuning.of_study import require_storage  # Optuna, which few others need

            require_storage(storage)
        if asked.gpus:
            require_gpu_study(study, options.study)
        with Project.of(options.study).at_home():
            preflight(study, options.study, store.cache)
        session = cls(
            study_file=options.study,
            study=study,
            connection=Connection(store),
            optuna_storage=storage,
            asked=asked,
            console=page(still=asked.engine == "inline"),
            debug=options.debug,
            rehearses=rehearses,
            environments=getattr(options, "environments", None),
            run_timeout=getattr(options, "run_timeout", None) or (_REHEARSED if rehearses else inf),
        )
        session.execution.check()  # before it is asked how many runs go side by side
        session.require_room()
        return session

    def require_room(self) -> None:
        """Refuse what is left to do where memory or disk are too small for it.

        Raises:
            NotReady: with what it takes and what is there.
        """
        plan = self.plan()
        self._looked.append(self.finished(plan.runs))
        needed = with_hidden(plan, todo(plan, self._looked[-1], self.store))
        if needed.jobs:
            if not self.rehearses:
                warm_up()
            with self.at_home():
                require_memory(plan, needed, self.study_file)
                at_once = 0 if self.rehearses else self.execution.workers  # tiny ones keep nothing
                require_space(plan, needed, self.store, self.study_file, at_once)

    def plan(self, results: Sequence[Tuned] = ()) -> Plan:
        """The comparisons, with what tuning found; what is wrong is said with the file's name.

        It is laid out once for all that ask for it.
        """
        settings = chosen(results)
        for known, made in self._plans:
            if known == settings:
                return made
        self._plans.append((settings, self._laid_out(settings)))
        return self._plans[-1][1]

    @cached_property
    def _plans(self) -> list[tuple[Settings, Plan]]:
        return []

    def _laid_out(self, settings: Settings) -> Plan:
        try:
            with self.at_home():
                return make_plan(self.study, settings)
        except (StudyError, TrainerError) as error:
            raise StudyError(f"{self.study_file}: {error}") from error

    def settled(self, plan: Plan) -> tuple[Plan, dict[str, Recorded]]:
        """A plan of which every seed is of one environment, and its runs that are finished.

        A mixture that is not chosen is said.

        Args:
            plan: from :meth:`plan`.
        """
        known = self._looked.pop() if self._looked else {}  # of the study as declared, and once
        finished = known if known and plan is self.plan() else self.finished(plan.runs)
        try:
            made = settle(
                plan,
                finished,
                lambda run: environment_here(run.device, run.packages),
                self.environments,
                self.finished,
            )
        except StudyError as error:
            raise StudyError(f"{self.study_file}: {error}") from error
        return made, finished if made is plan else self.finished(made.runs)

    def finished(self, keys: Iterable[str]) -> dict[str, Recorded]:
        """The finished runs of these keys, by key; none where there is no record yet."""
        return self.query.finished(keys) if self.store.exists() else {}

    @cached_property
    def _looked(self) -> list[dict[str, Recorded]]:
        """What the command saw of the record when it began, until that is used."""
        return []

    def similar(self, plan: Plan, jobs: Mapping[str, object]) -> dict[str, Recorded]:
        """Finished runs that took as long as those of a plan will, where any are to do."""
        if not jobs or not self.store.exists():
            return {}
        return self.query.finished_of_kinds({run.kind for run in plan.runs.values()})

    @property
    def store(self) -> Store:
        """Where the record is."""
        return self.connection.store

    @cached_property
    def query(self) -> Query:
        """What is read of the record."""
        return Query(self.connection)

    @cached_property
    def writer(self) -> Writer:
        """What is written to the record."""
        return Writer(self.connection)

    def at_home(self) -> AbstractContextManager[None]:
        """Have relative paths of the user's code mean files beside the study."""
        return self.project.at_home()

    @cached_property
    def project(self) -> Project:
        """The study's, whose paths are absolute and hold at home too."""
        return Project.of(self.study_file)

    @cached_property
    def execution(self) -> Execution:
        """Where runs are executed."""
        plan = self.plan()
        return Execution(
            asked=self.asked,
            plan=plan,
            study_file=self.study_file,
            store=self.store,
            rehearses=self.rehearses,
            harmless=self.rehearses_here,
            similar=lambda: self.similar(plan, plan.runs),
        )

    @cached_property
    def engine(self) -> Engine:
        """Executes runs; where what they print goes is said."""
        made = self.execution.engine
        if self.execution.logs:
            self.note(self.execution.logs)
        return made

    def scheduler(self, on_start: Callable[[Run], None]) -> Scheduler:
        """What starts runs of the study on its engine.

        Args:
            on_start: told of every run as it starts.
        """
        return Scheduler(
            engine=self.engine,
            query=self.query,
            writer=self.writer,
            experiment=self.writer.experiment(self.study.name),
            tags=self.tags,
            on_start=on_start,
            notify=self.notify,
            limit=self.run_timeout,
        )

    @cached_property
    def rehearses_here(self) -> bool:
        """Whether runs are tiny, of code that is known to do no harm to this process."""
        own = [part for part in declarations(self.study) if is_foreign(part)]
        return self.rehearses and not own and not altered_names()

    @cached_property
    def tags(self) -> dict[str, str]:
        """Provenance."""
        return provenance(self.study_file.resolve().parent)

    def remark(self) -> None:
        """Say what is worth knowing of the data before hours are spent on them."""
        found = unfollowed(self.plan().runs.values())
        if names := altered_names():
            found.append(
                f"{self.study_file} changes {', '.join(names)} when it is loaded: its runs count "
                "for no study that does not."
            )
        with self.at_home():
            found += remarks(self.study)
        self.note(*found)

    def note(self, *sentences: str) -> None:
        """Say what is worth knowing, a line each."""
        for sentence in sentences:
            self.console.print(f"Note: {sentence}", markup=False, highlight=False, soft_wrap=True)

    @cached_property
    def notify(self) -> Callable[[str], None]:
        """Says at once what concerns the whole command, once where many processes say it."""
        last = ""

        def say(sentence: str) -> None:
            nonlocal last
            if sentence != last:
                self.note(sentence)
            last = sentence

        return say

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Nobody removes the study's runs in this block; what a killed process left is mended."""
        # A cluster that ends a job sends SIGTERM: stop as cleanly as for Ctrl-C.
        signal.signal(signal.SIGTERM, stop)
        with persevering(self.notify), self.store.cache.using(use_of(self.study.name)):
            self.writer.require_files(self.writer.experiment(self.study.name))
            self._tidy_up()
            yield
            with in_a_hurry(), suppress(RecordLost):  # else the next command does it
                self._tidy_up()  # a machine that is gone has not moved since then

    def _tidy_up(self) -> None:
        self.store.cache.sweep()
        close_orphans(self.writer)


def _storage_of(rehearses: bool) -> str | None:
    """Where searches are kept by Optuna's own variable, which a rehearsal leaves alone."""
    return None if rehearses else os.environ.get("OPTUNA_STORAGE")
