"""What the commands on one study share: the study, its record, and where runs are executed."""

import argparse
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path

from rich.console import Console

from benchmark.checks.estimate import estimate
from benchmark.checks.gpus import require_gpu_study
from benchmark.checks.memory import require_memory
from benchmark.checks.mixing import Choice, settle
from benchmark.checks.preflight import preflight, read_from
from benchmark.checks.remarks import remarks
from benchmark.checks.space import require_space
from benchmark.declare.limits import declarations
from benchmark.declare.loading import load_study
from benchmark.declare.study import Study
from benchmark.declare.tuned import is_searched
from benchmark.errors import StudyError
from benchmark.execute.engines import Engine
from benchmark.execute.engines.asking import is_foreign
from benchmark.execute.engines.inline import InlineEngine
from benchmark.execute.engines.local import LocalEngine
from benchmark.execute.engines.slurm.cluster import Cluster
from benchmark.execute.engines.slurm.engine import SlurmEngine
from benchmark.execute.engines.slurm.options import asked_cluster
from benchmark.execute.gpus.gpu import FindGpus, Gpu, look
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.hidden import with_hidden
from benchmark.execute.scheduler import todo
from benchmark.record.environment import environment_here
from benchmark.record.left_open import close_orphans
from benchmark.record.provenance import provenance
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.studies import use_of
from benchmark.record.writer import Writer
from benchmark.runs.kinds import Run, TrainRun, unfollowed
from benchmark.runs.plan import Plan, Settings, make_plan
from benchmark.runs.reach.alterations import altered_names
from benchmark.session.machine import RunsPerGpu, default_workers, gpus_of, packing_of
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from benchmark.terminal.page import page
from benchmark.tuning.results import Tuned, TuningOutcome, chosen, unfair_arms
from benchmark.user_code.project import Project
from trainers.errors import TrainerError

#: Seconds that a run of a rehearsal may be silent.
_SILENCE = 120.0
#: Jobs of a cluster side by side, where nothing else is asked.
_JOBS = 8


@dataclass(frozen=True)
class Session:
    """What the commands on one study share.

    Attributes:
        study_file: as the user gave it.
        study: what it declares.
        connection: to the record.
        optuna_storage: where searches are kept, if not beside the record.
        asked_workers: runs side by side, if the user said how many.
        console: where to print.
        debug: whether to show tracebacks of failed runs.
        rehearses: whether runs are tiny, executed one by one, and their record is thrown away.
        environments: what to do with runs that are recorded from another environment.
        gpus: those that runs are trained on; none leaves it to the study's device.
        runs_per_gpu: runs side by side on each of them.
        cluster: where runs are executed, if not on this machine.
    """

    study_file: Path
    study: Study
    connection: Connection
    optuna_storage: str | None
    asked_workers: int | None
    console: Console
    debug: bool
    rehearses: bool = False
    environments: Choice | None = None
    gpus: tuple[Gpu, ...] = ()
    runs_per_gpu: RunsPerGpu = 1
    cluster: Cluster | None = None

    @classmethod
    def of(
        cls,
        options: argparse.Namespace,
        study: Study | None = None,
        store: Store | None = None,
        rehearses: bool = False,
        find_gpus: FindGpus = look,
    ) -> "Session":
        """The session of a command line, of a study for which everything is there.

        Args:
            options: of the command.
            study: in place of the one that is declared in the study file.
            store: in place of the one that the command line names.
            rehearses: whether runs are tiny and nothing is kept of them.
            find_gpus: finds out which there are, where the command line asks for some.
        """
        read_from(options.data)
        cluster = asked_cluster(options)
        gpus = gpus_of(options, find_gpus)  # before code of the study may open the driver
        study, store = study or load_study(options.study), store or Store.choose(options.store)
        if gpus:
            require_gpu_study(study, options.study)
        with Project.of(options.study).at_home():
            preflight(study, options.study, store.cache)
        session = cls(
            study_file=options.study,
            study=study,
            connection=Connection(store),
            optuna_storage=options.optuna_storage,
            asked_workers=options.workers,
            console=page(),
            debug=options.debug,
            rehearses=rehearses,
            environments=getattr(options, "environments", None),
            gpus=gpus,
            runs_per_gpu=getattr(options, "runs_per_gpu", None) or 1,
            cluster=cluster,
        )
        session.require_room()
        session.require_cluster()
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
            with self.at_home():
                require_memory(plan, needed, self.study_file)
                require_space(plan, needed, self.store, self.study_file)

    def require_cluster(self) -> None:
        """Refuse options with which Slurm takes no job.

        Raises:
            BenchmarkError: with what it says.
        """
        if self._cluster:
            self._cluster.check()

    @cached_property
    def _cluster(self) -> Cluster | None:
        """Where runs are executed, with as many processors for each as it has threads."""
        runs = [run for run in self.plan().runs.values() if isinstance(run, TrainRun)]
        threads = max(run.training.threads for run in runs)
        return self.cluster and self.cluster.with_processors(threads)

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
        return self._project.at_home()

    @cached_property
    def _project(self) -> Project:
        return Project.of(self.study_file)

    @cached_property
    def workers(self) -> int:
        """Runs side by side."""
        if self.rehearses:
            return 1
        if self.gpus:
            return self.packing().side_by_side([*self.plan().runs.values()])
        if self.cluster and not self.asked_workers:
            return _JOBS
        return self.asked_workers or default_workers(self.plan())

    def packing(self) -> Packing:
        """How runs are placed on its GPUs, with nothing on them yet."""
        plan = self.plan()
        similar = self.similar(plan, plan.runs) if self.runs_per_gpu == "auto" else {}
        return packing_of(self.gpus, self.runs_per_gpu, plan, similar)

    @cached_property
    def engine(self) -> Engine:
        """Where runs are executed."""
        if self.in_process:
            return InlineEngine(self.study_file)
        if self.gpus:
            packing = self.packing()
            return LocalEngine(packing.most, self.study_file, packing=packing)
        if self._cluster:
            engine = SlurmEngine(self.workers, self.study_file, self.store, self._cluster)
            self.note(f"What Slurm's jobs print is kept in {engine.pool.logs}/JOB_0_log.out.")
            return engine
        return LocalEngine(self.workers, self.study_file, _SILENCE if self.rehearses else inf)

    @cached_property
    def in_process(self) -> bool:
        """Whether runs are executed here: tiny ones, of code that is known to do no harm."""
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

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Nobody removes the study's runs in this block; what a killed process left is mended."""
        # A cluster that ends a job sends SIGTERM: stop as cleanly as for Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with self.store.cache.using(use_of(self.study.name)):
            self._tidy_up()
            yield
            self._tidy_up()  # a machine that is gone has not moved since then

    def _tidy_up(self) -> None:
        self.store.cache.sweep()
        close_orphans(self.writer)

    def tune(self) -> TuningOutcome | None:
        """Search what is not searched yet; None where the study searches nothing."""
        if not is_searched(self.study):
            return None
        if warning := unfair_arms(self.study):
            self.console.print(f"Warning: {warning}.", markup=False, style="yellow")
        from benchmark.tuning.of_study import open_tuning, storage_url, tune_study
        from benchmark.tuning.optuna_study import guarding_storage

        with guarding_storage(storage_url(self.store, self.optuna_storage)):
            tuning = open_tuning(self.study, self.connection, self.optuna_storage)
            return tune_study(
                tuning, lambda: self.engine, self.tags, self.console, self._never_ending
            )

    def _never_ending(self) -> dict[tuple[str, str], str]:
        """By arm and task, what the study's own code does that comes to no end in a step.

        A rehearsal gives up every run that is silent.
        """
        plan = self.plan()
        cells = list(zip(plan.study.cells(), plan.cells, strict=True))
        runs = plan.runs
        own = {k: runs[k] for _, k in cells if not self.rehearses and _is_own(runs[k])}
        if not own:
            return {}
        with self.at_home():
            found = estimate(plan, own, {}, self.study_file.resolve()).hopeless
        return {
            (arm.label, task.name): f"failed: {found[k].message}"
            for (arm, task, _), k in cells
            if k in found and found[k].endless
        }


def _is_own(run: Run) -> bool:
    return isinstance(run, TrainRun) and is_foreign(run.method, run.model, run.task)
