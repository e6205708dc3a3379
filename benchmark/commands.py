"""What the commands of `bench` do."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.display import Display, duration
from benchmark.engines import Engine
from benchmark.engines.inline import InlineEngine
from benchmark.engines.local import LocalEngine
from benchmark.errors import NotReady, StoreError, StudyError
from benchmark.estimate import Estimate, estimate
from benchmark.execution import Outcome, Scheduler, Todo, run_plan, todo
from benchmark.hidden import with_hidden
from benchmark.loading import load_study
from benchmark.page import page
from benchmark.plan import Plan, make_plan
from benchmark.preflight import missing, preflight, read_from
from benchmark.provenance import provenance
from benchmark.record import record_digest, study_record
from benchmark.remarks import remarks
from benchmark.runs import Run, TrainRun
from benchmark.searches import is_searched
from benchmark.study import Study
from benchmark.tracking import Recorded, Store, Tracker
from benchmark.tuning.results import (
    Tuned,
    TuningOutcome,
    as_record,
    chosen,
    left_to_tune,
    unfair_arms,
)
from stats.errors import StatsError
from trainers.errors import TrainerError

FINISHED, FAILED, INTERRUPTED = 0, 1, 130
#: Seconds that a run takes of those that are executed in this process; nobody need time them.
_TINY = 0.4


def default_workers(plan: Plan) -> int:
    """One run a core by default; on an accelerator, which they would share, one in all."""
    runs = [run for run in plan.runs.values() if isinstance(run, TrainRun)]
    if any(run.training.device != "cpu" for run in runs):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // max(run.training.threads for run in runs))


@dataclass(frozen=True)
class Session:
    """What the commands on one study share.

    Attributes:
        study_file: as the user gave it.
        study: what it declares.
        tracker: the record.
        optuna_storage: where searches are kept, if not beside the record.
        asked_workers: runs side by side, if the user said how many.
        console: where to print.
        debug: whether to show tracebacks of failed runs.
        in_process: whether this is a rehearsal: runs of a second are executed here, one by one,
            and their record is thrown away.
    """

    study_file: Path
    study: Study
    tracker: Tracker
    optuna_storage: str | None
    asked_workers: int | None
    console: Console
    debug: bool
    in_process: bool = False

    @classmethod
    def of(
        cls,
        options: argparse.Namespace,
        study: Study | None = None,
        store: Store | None = None,
        in_process: bool = False,
    ) -> "Session":
        """The session of a command line, of a study for which everything is there.

        Args:
            options: of the command.
            study: in place of the one that is declared in the study file.
            store: in place of the one that the command line names.
            in_process: whether runs are executed here.
        """
        read_from(options.data)
        study, store = study or load_study(options.study), store or Store.choose(options.store)
        preflight(study, options.study, store.cache)
        return cls(
            study_file=options.study,
            study=study,
            tracker=Tracker(store),
            optuna_storage=options.optuna_storage,
            asked_workers=options.workers,
            console=page(),
            debug=options.debug,
            in_process=in_process,
        )

    def plan(self, results: Sequence[Tuned] = ()) -> Plan:
        """The comparisons, with what tuning found; what is wrong is said with the file's name."""
        try:
            return make_plan(self.study, chosen(results))
        except (StudyError, TrainerError) as error:
            raise StudyError(f"{self.study_file}: {error}") from error

    @cached_property
    def workers(self) -> int:
        """Runs side by side."""
        if self.in_process:
            return 1
        return self.asked_workers or default_workers(self.plan())

    @cached_property
    def engine(self) -> Engine:
        """Where runs are executed."""
        if self.in_process:
            return InlineEngine()
        return LocalEngine(self.workers, self.study_file)

    @cached_property
    def tags(self) -> dict[str, str]:
        """Provenance."""
        return provenance(self.study_file.resolve().parent)

    def remark(self) -> None:
        """Say what is worth knowing of the data before hours are spent on them."""
        for remark in remarks(self.study):
            self.console.print(f"Note: {remark}", markup=False, highlight=False, soft_wrap=True)

    def clean_up(self) -> None:
        """Mend what a process left that was killed."""
        # A cluster that ends a job sends SIGTERM: stop as cleanly as for Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        self.tracker.store.cache.sweep()
        self.tracker.close_orphans()

    def tune(self) -> TuningOutcome | None:
        """Search what is not searched yet; None where the study searches nothing."""
        if not is_searched(self.study):
            return None
        if warning := unfair_arms(self.study):
            self.console.print(f"Warning: {warning}.", markup=False, style="yellow")
        from benchmark.tuning.command import open_tuning, tune_study

        tuning = open_tuning(self.study, self.tracker, self.optuna_storage)
        return tune_study(tuning, lambda: self.engine, self.tags, self.console)


def plan(options: argparse.Namespace) -> int:
    """Print what a study would run; also where something is missing, which is then an error."""
    try:
        session = Session.of(options)
    except NotReady:
        _print_sketch(options)
        raise
    tracker, study = session.tracker, session.study
    results: tuple[Tuned, ...] = ()
    if is_searched(study):
        from benchmark.tuning.command import known_results

        results = known_results(study, tracker, session.optuna_storage)
    made = session.plan(results)
    finished = tracker.finished() if tracker.store.exists() else {}
    needed = todo(made, finished, tracker.store)
    expected = estimate(made, needed.jobs, finished)
    _print_plan(session, made, needed, expected, results)
    session.remark()
    return FINISHED


def _print_sketch(options: argparse.Namespace) -> None:
    """Lay out the runs on stand-ins for what is missing, whose durations nobody can know."""
    from benchmark.smoke.stand_ins import stand_in

    declared = load_study(options.study)
    if not missing(declared):
        return
    with tempfile.TemporaryDirectory(prefix="bench-plan-") as folder:
        try:
            study = stand_in(declared, Path(folder) / "stand-ins")
        except TrainerError:
            return  # the type of a model is unknown: what is missing is all that can be said
        store = Store(str(Path(folder) / "mlruns"))
        session = Session.of(options, study, store)
        made = session.plan()
        needed = todo(made, {}, store)
        expected = Estimate(dict.fromkeys(made.runs, nan), {}, "nothing")
        _print_plan(session, made, needed, expected, ())


def _print_plan(
    session: Session,
    made: Plan,
    needed: Todo,
    expected: Estimate,
    results: Sequence[Tuned],
) -> None:
    study, workers, console = session.study, session.workers, session.console
    wall = expected.wall(made, needed.jobs, workers)
    rows = left_to_tune(study, results) if is_searched(study) else []
    if rows:
        wall += _print_searches(rows, expected, study, console) / workers
    console.print(_plan_table(made, needed, expected))
    console.print(
        f"\n{study.name}: {len(made.runs)} runs, {len(needed.jobs)} to do"
        f"{', and tuning before them' if any(left for _, _, left, _ in rows) else ''}.\n"
        f"{_expectation(wall, workers, expected)}\n"
        f"Smallest corrected p that {study.n_pairs} {study.analysis.unit}s can reach in a family "
        f"of {study.family_size}: {study.smallest_p:.4g} (α = {study.alpha:g}).",
        markup=False,
    )


def _expectation(wall: float, workers: int, expected: Estimate) -> str:
    if isnan(wall):
        return "How long that takes can be told when its models and data are here."
    return f"Expected: {duration(wall)} with {workers} workers, from {expected.source}."


def _print_searches(
    rows: Sequence[tuple[str, int, int, str]], expected: Estimate, study: Study, console: Console
) -> float:
    """A row for each search; returns the seconds of all that is left, if nothing is pruned."""
    table = Table("tuning", "runs", "to do", "each", box=None, header_style="bold")
    seconds = 0.0
    for name, runs, left, typical in rows:
        each = expected.seconds[typical]
        seconds += left * each
        table.add_row(*map(Text, (name, str(runs), str(left), _each(each) if left else "done")))
    console.print(table)
    tuning = study.tuning_used
    console.print(
        f"Each setting is trained on {tuning.count} seeds of its own; pruning ({tuning.pruner}) "
        "may spare some of it. What follows is planned with "
        + ("the settings found.\n" if seconds == 0 else "the settings as declared, until then.\n"),
        markup=False,
    )
    if warning := unfair_arms(study):
        console.print(f"Warning: {warning}.\n", markup=False, style="yellow")
    return seconds


def _plan_table(made: Plan, needed: Todo, expected: Estimate) -> Table:
    """A row for the runs that differ only in their seed."""
    groups: dict[str, list[str]] = {}
    for k, r in made.runs.items():
        groups.setdefault(_without_seed(r), []).append(k)
    heading = ("runs", "number", "to do", "FLOPs", "each", "after")
    table = Table(*heading, box=None, header_style="bold")
    for name, keys in groups.items():
        open_keys = [k for k in keys if k in needed.jobs]
        each = _each(sum(expected.seconds[k] for k in open_keys) / max(1, len(open_keys)))
        needs = dict.fromkeys(
            _without_seed(made.runs[n.key]) for k in keys for n in made.runs[k].needs.values()
        )
        counted = [expected.relative_flops[k] for k in open_keys if k in expected.relative_flops]
        flops = f"{counted[0]:.2f}×" if counted else ""
        cells = (name, str(len(keys)), str(len(open_keys)), flops, each if open_keys else "cached")
        table.add_row(*map(Text, cells), Text(", ".join(needs)))
    return table


def _each(seconds: float) -> str:
    return "?" if isnan(seconds) else duration(seconds)


def _without_seed(r: Run) -> str:
    return r.name.removesuffix(f" · {r.seed}") if isinstance(r, TrainRun) else r.name


def run(options: argparse.Namespace) -> int:
    """Tune and train what a study still needs, then print its verdicts."""
    if options.smoke:
        from benchmark.smoke.command import smoke

        return smoke(options)
    return run_session(Session.of(options))


def run_session(session: Session) -> int:
    """Tune, train and judge the study of a session."""
    session.plan()  # what is wrong is said before anything is trained
    session.remark()
    session.clean_up()
    tuning = session.tune()
    if tuning and not tuning.complete:
        return INTERRUPTED if tuning.interrupted else FAILED
    return _compare(session, tuning.results if tuning else ())


def tune(options: argparse.Namespace) -> int:
    """Tune a study's arms, and nothing else."""
    session = Session.of(options)
    if not is_searched(session.study):
        raise StudyError(f"{session.study_file}: no arm has a search=Search(...) to tune.")
    session.plan()
    session.remark()
    session.clean_up()
    tuning = session.tune()
    assert tuning is not None
    if tuning.interrupted:
        return INTERRUPTED
    return FINISHED if tuning.complete and all(t.best for t in tuning.results) else FAILED


def _compare(session: Session, results: Sequence[Tuned]) -> int:
    """Train the arms on the seeds of the comparison."""
    tracker, console = session.tracker, session.console
    made = session.plan(results)
    record = study_record(made, session.study_file) | {
        "tuning": as_record(session.study, results),
    }
    tracker.record_study(made.study.name, record, record_digest(record))
    finished = tracker.finished()
    needed = with_hidden(made, todo(made, finished, tracker.store))
    code = execute(session, made, needed, finished)
    if code == INTERRUPTED:
        return code
    from benchmark.report.command import conclude

    try:
        conclude(record, tracker, lambda: session.tags, console, kept=not session.in_process)
    except (StatsError, StoreError) as error:
        console.print(f"\nNo verdict: {error}", markup=False)
    return FAILED if code or any(not t.best for t in results) else FINISHED


def execute(session: Session, made: Plan, needed: Todo, finished: dict[str, Recorded]) -> int:
    """Execute what is to do of a plan, and say what failed; returns the exit code."""
    tracker, console = session.tracker, session.console
    if needed.jobs:
        # Its fork server loads torch beside the calibration that comes next.
        _ = session.engine
    expected = estimate(made, needed.jobs, finished, _TINY if session.in_process else None)
    _print_start(made, needed, expected, session.workers, tracker.store, console)
    outcome = Outcome()
    if needed.jobs:
        workers = session.workers
        display = Display(made, needed.jobs, needed.cached, finished, expected, workers, console)
        scheduler = Scheduler(
            engine=session.engine,
            tracker=tracker,
            experiment=tracker.experiment(made.study.name),
            tags=session.tags,
            on_start=display.on_start,
        )
        with display:
            outcome = run_plan(
                made, needed.jobs, scheduler, lambda r: expected.seconds[r.key], display.on_event
            )
    _print_failures(made, outcome, console, session.debug)
    if outcome.interrupted:
        console.print("Stopped. What finished is kept; the same command goes on from there.")
        return INTERRUPTED
    return FAILED if outcome.failed else FINISHED


def _print_start(
    made: Plan, needed: Todo, expected: Estimate, workers: int, store: Store, console: Console
) -> None:
    cells = len(made.cells)
    line = f"{made.study.name}: {cells} runs in the comparison, {len(needed.cached)} cached"
    if needed.jobs:
        wall = duration(expected.wall(made, needed.jobs, workers))
        line += (
            f"; {len(needed.jobs)} to do with {workers} workers, about {wall} "
            f"(from {expected.source})"
        )
    console.print(f"{line}. Record: {store.uri}", markup=False, soft_wrap=True)


def _print_failures(made: Plan, outcome: Outcome, console: Console, debug: bool) -> None:
    if outcome.interrupted or not outcome.failed:
        return
    count = len(outcome.failed)
    console.print(f"\n{count} {'run' if count == 1 else 'runs'} failed:", style="bold red")
    for ended in outcome.failed:
        console.print(
            f"  {made.runs[ended.key].name}: {ended.status}: {ended.message}", markup=False
        )
        if debug and ended.details:
            console.print(ended.details, markup=False)
    for cause, keys in _by_cause(outcome.blocked).items():
        names = ", ".join(made.runs[k].name for k in keys)
        console.print(f"  not started, for want of {made.runs[cause].name}: {names}", markup=False)


def _by_cause(blocked: dict[str, str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for k, cause in blocked.items():
        grouped.setdefault(cause, []).append(k)
    return grouped


def ui(store: str | None, port: int) -> NoReturn:
    """Open the MLflow UI on the store, bound to this machine alone."""
    chosen = Store.choose(store)
    if not chosen.exists():
        raise StoreError(f"there is no record in {chosen.folder}; start with: bench run STUDY")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", chosen.uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    if chosen.artifacts:
        command += ["--default-artifact-root", chosen.artifacts]
    print(f"MLflow UI of {chosen.uri} at http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    # Taking this process's place, the server gets its signals and leaves nothing behind.
    os.execve(sys.executable, command, environment)
