"""What the commands of `bench` do."""

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.display import Display, duration
from benchmark.engines.local import LocalEngine
from benchmark.errors import StoreError, StudyError
from benchmark.estimate import Estimate, estimate
from benchmark.execution import Outcome, Todo, run_plan, todo
from benchmark.loading import load_study
from benchmark.page import page
from benchmark.plan import Plan, make_plan
from benchmark.provenance import provenance
from benchmark.record import record_digest, study_record
from benchmark.runs import Run, TrainRun
from benchmark.tracking import Recorded, Store, Tracker
from benchmark.verdicts import print_verdicts
from stats.errors import StatsError
from trainers.errors import TrainerError

FINISHED, FAILED, INTERRUPTED = 0, 1, 130


def default_workers(plan: Plan) -> int:
    """One run a core by default; on an accelerator, which they would share, one in all."""
    runs = [run for run in plan.runs.values() if isinstance(run, TrainRun)]
    if any(run.training.device != "cpu" for run in runs):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // max(run.training.threads for run in runs))


def _planned(study_file: Path) -> Plan:
    """The plan of a study file; what is wrong with it is said with the file's name."""
    study = load_study(study_file)
    try:
        return make_plan(study)
    except (StudyError, TrainerError) as error:
        raise StudyError(f"{study_file}: {error}") from error


def plan(study_file: Path, store: str | None, workers: int | None) -> int:
    """Print what a study would run."""
    console = page()
    made = _planned(study_file)
    tracker = Tracker(Store.choose(store))
    finished = tracker.finished() if tracker.store.exists() else {}
    needed = todo(made, finished, tracker.store)
    _print_plan(made, needed, finished, workers or default_workers(made), console)
    return FINISHED


def _print_plan(
    made: Plan,
    needed: Todo,
    finished: dict[str, Recorded],
    workers: int,
    console: Console,
) -> None:
    expected = estimate(made, needed.jobs, finished)
    console.print(_plan_table(made, needed, expected))
    study = made.study
    wall = duration(expected.wall(made, needed.jobs, workers))
    console.print(
        f"\n{study.name}: {len(made.runs)} runs, {len(needed.jobs)} to do.\n"
        f"Expected: {wall} with {workers} workers, from {expected.source}.\n"
        f"Smallest corrected p that {study.n_pairs} {study.analysis.unit}s can reach in a family "
        f"of {study.family_size}: {study.smallest_p:.4g} (α = {study.alpha:g}).",
        markup=False,
    )


def _plan_table(made: Plan, needed: Todo, expected: Estimate) -> Table:
    """A row for the runs that differ only in their seed."""
    groups: dict[str, list[str]] = {}
    for k, r in made.runs.items():
        groups.setdefault(_without_seed(r), []).append(k)
    table = Table("runs", "number", "to do", "each", "after", box=None, header_style="bold")
    for name, keys in groups.items():
        open_keys = [k for k in keys if k in needed.jobs]
        each = duration(sum(expected.seconds[k] for k in open_keys) / max(1, len(open_keys)))
        needs = dict.fromkeys(
            _without_seed(made.runs[n.key]) for k in keys for n in made.runs[k].needs.values()
        )
        cells = (name, str(len(keys)), str(len(open_keys)), each if open_keys else "cached")
        table.add_row(*map(Text, cells), Text(", ".join(needs)))
    return table


def _without_seed(r: Run) -> str:
    return r.name.removesuffix(f" · {r.seed}") if isinstance(r, TrainRun) else r.name


def run(study_file: Path, store: str | None, workers: int | None, debug: bool) -> int:
    """Train what a study still needs, then print its verdicts."""
    # A cluster that ends a job sends SIGTERM: stop as cleanly as for Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = page()
    made = _planned(study_file)
    tracker = Tracker(Store.choose(store))
    tracker.store.cache.sweep()
    tracker.close_orphans()
    record = study_record(made, study_file)
    tracker.record_study(made.study.name, record, record_digest(record))
    finished = tracker.finished()
    needed = todo(made, finished, tracker.store)
    workers = workers or default_workers(made)
    engine = LocalEngine(workers, study_file) if needed.jobs else None
    expected = estimate(made, needed.jobs, finished)
    _print_start(made, needed, expected, workers, tracker.store, console)
    outcome = Outcome()
    if engine:
        display = Display(made, needed.jobs, needed.cached, finished, expected, workers, console)
        tags = provenance(study_file.resolve().parent)
        with display:
            outcome = run_plan(
                made,
                needed.jobs,
                engine,
                tracker,
                tags,
                lambda r: expected.seconds[r.key],
                display.on_start,
                display.on_event,
            )
    _print_failures(made, outcome, console, debug)
    if outcome.interrupted:
        console.print("Stopped. What finished is kept; the same command goes on from there.")
        return INTERRUPTED
    try:
        print_verdicts(record, tracker, console)
    except (StatsError, StoreError) as error:
        console.print(f"\nNo verdict: {error}", markup=False)
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
