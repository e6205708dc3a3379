"""What the commands of `bench` do."""

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.display import Display, duration
from benchmark.engines.local import LocalEngine
from benchmark.errors import BenchmarkError, StoreError, StudyError
from benchmark.estimate import Estimate, estimate
from benchmark.execution import Outcome, Todo, run_plan, todo
from benchmark.loading import load_study
from benchmark.plan import Plan, make_plan
from benchmark.provenance import provenance
from benchmark.record import (
    declared_analysis,
    file_digest,
    record_digest,
    scores_table,
    study_record,
)
from benchmark.runs import Run, TrainRun
from benchmark.tracking import Recorded, Store, Tracker
from stats.errors import StatsError
from trainers.errors import TrainerError

if TYPE_CHECKING:
    import pandas as pd

    from stats import Analysis

FINISHED, FAILED, INTERRUPTED = 0, 1, 130


def _console() -> Console:
    # Piped output keeps the width of a page instead of falling back to 80 columns.
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=120)
    return console


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
    console = _console()
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
        f"Smallest corrected p that {len(study.seeds)} seeds can reach in a family of "
        f"{study.family_size}: {study.smallest_p:.4g} (α = {study.alpha:g}).",
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
    console = _console()
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
        _print_verdicts(record, tracker, console)
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


def _print_verdicts(record: dict[str, Any], tracker: Tracker, console: Console) -> None:
    table = scores_table(record, tracker, None, "test")
    analysis = _analyse(table, record["baseline"], record["candidates"], declared_analysis(record))
    print("\n" + _rendered(analysis, "table", console))


def stats(options: argparse.Namespace) -> int:
    """Print the verdicts of recorded runs, or of a table of scores."""
    if options.compare and len(options.compare) < 2:
        raise BenchmarkError("--compare needs a baseline and at least one candidate.")
    given = {n: getattr(options, n) for n in ("metric", "split", "margin", "alpha", "correction")}
    given = {name: value for name, value in given.items() if value is not None}
    if options.input:
        table, declared = _scores_from_file(options)
        analysis = _analyse(table, options.compare[0], options.compare[1:], declared | given)
    else:
        record, table = _scores_from_record(options)
        analysis = _analyse_declared(table, record, options.compare, given)
    sys.stdout.write(_rendered(analysis, options.format, _console()))
    return FINISHED


def _analyse_declared(
    table: "pd.DataFrame",
    record: dict[str, Any],
    compare: list[str] | None,
    given: dict[str, Any],
) -> "Analysis":
    """Show what was asked for, corrected over the family that the study declared.

    A family must not shrink because a table shows less of it: looking at one candidate of four
    would otherwise halve its p-value and more.
    """
    declared = declared_analysis(record)
    if "metric" in given and any(given["metric"] != cell["metric"] for cell in record["cells"]):
        declared["margin"] = None  # it was declared in points of another metric
    declared |= given
    baseline, candidates = record["baseline"], record["candidates"]
    if not compare:
        return _analyse(table, baseline, candidates, declared)
    asked = compare[1:]
    if compare[0] != baseline or not set(asked) < set(candidates):
        return _analyse(table, compare[0], asked, declared)
    whole = _analyse(table, baseline, candidates, declared)
    note = f"p-values are corrected over the study's whole family: {', '.join(candidates)}."
    return replace(
        whole,
        comparisons=tuple(c for c in whole.comparisons if c.candidate in asked),
        interactions=tuple(i for i in whole.interactions if i.candidate in asked),
        warnings=(*whole.warnings, note),
    )


def _scores_from_file(options: argparse.Namespace) -> tuple["pd.DataFrame", dict[str, Any]]:
    from stats import read_scores

    if options.study:
        raise BenchmarkError("give either STUDY or --input, not both.")
    if not options.compare:
        raise BenchmarkError(
            "--input needs --compare BASELINE CANDIDATE to say which methods to compare."
        )
    return read_scores(options.input), {"study": options.input.name}


def _scores_from_record(options: argparse.Namespace) -> tuple[dict[str, Any], "pd.DataFrame"]:
    store = Store.choose(options.store)
    if not store.exists():
        raise StoreError(f"there is no record in {store.folder}; start with: bench run STUDY")
    tracker = Tracker(store)
    record = tracker.study_record(options.study)
    _warn_of_changes(record)
    return record, scores_table(record, tracker, options.metric, options.split)


def _analyse(
    table: "pd.DataFrame", baseline: str, candidates: list[str], how: dict[str, Any]
) -> "Analysis":
    from stats import analyse

    return analyse(table, baseline, candidates, **how)


def _rendered(analysis: "Analysis", form: str, console: Console) -> str:
    from stats.report import render

    return render(analysis, form, width=console.width, colour=console.is_terminal)


def _warn_of_changes(record: dict[str, Any]) -> None:
    file = Path(str(record["study_file"]))
    if file.is_file() and file_digest(file) != record["study_digest"]:
        print(
            f"bench: {file} has changed since it was last run; these are the runs, margin and "
            "comparisons of that time.",
            file=sys.stderr,
        )


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
