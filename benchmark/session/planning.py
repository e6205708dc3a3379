"""What a study would run and how long that takes, printed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

from rich.table import Table
from rich.text import Text

from benchmark.checks.class_table import class_table
from benchmark.checks.energy import GpuUse
from benchmark.checks.estimate import Estimate, estimate
from benchmark.checks.foresight import foresee
from benchmark.checks.preflight import missing, size
from benchmark.checks.space import left_by
from benchmark.declare.loading import load_study
from benchmark.declare.tuned import is_searched
from benchmark.errors import NotReady
from benchmark.execute.gpus.gpu import FindGpus, look
from benchmark.execute.hidden import with_hidden
from benchmark.execute.todo import Todo, todo
from benchmark.runs.plan import Plan
from benchmark.session.gpu_plan import gpu_table
from benchmark.session.planned import series_of
from benchmark.session.session import Session
from benchmark.store.scratch import scratch
from benchmark.store.store import Store
from benchmark.terminal.duration import duration
from benchmark.tuning.results import Tuned, left_to_tune, unfair_arms
from trainers.errors import TrainerError

#: Series that a row of the plan names of those that it comes after.
_NAMED = 4
#: A table without lines.
_PLAIN: dict[str, Any] = {"box": None, "header_style": "bold"}


def print_plan(options: argparse.Namespace, find_gpus: FindGpus = look) -> int:
    """Print what a study would run; also where something is missing, which is then an error.

    Args:
        options: of the command.
        find_gpus: finds out which there are, where the command line asks for some.
    """
    try:
        session = Session.of(options, find_gpus=find_gpus)
    except NotReady:
        _print_sketch(options, find_gpus)
        raise
    study = session.study
    results: tuple[Tuned, ...] = ()
    if is_searched(study):
        from benchmark.tuning.of_study import known_results

        results = known_results(study, session.connection, session.optuna_storage)
    # A search that goes on has chosen nothing yet: what was declared stands for its setting.
    chosen = session.plan([found for found in results if found.over])
    made, finished = session.settled(chosen)
    needed = todo(made, finished, session.store)
    laid_out = _with_searches(made, needed, session, results)
    similar = session.similar(*laid_out)
    with session.at_home():
        expected = estimate(*laid_out, similar, session.project.study_file)
    _print_runs(session, made, needed, expected, results, find_gpus)
    read = dict.fromkeys((*study.tasks, *study.chained_tasks, *study.probed_tasks))
    if classes := class_table(tuple(read)):
        session.console.print(Text(), classes)
    session.note(*needed.damaged, *expected.remarks)
    session.remark()
    return 0


def _with_searches(
    made: Plan, needed: Todo, session: Session, results: Sequence[Tuned]
) -> tuple[Plan, dict[str, object]]:
    """A plan and its jobs, with a run as declared for each search that goes on."""
    searching = left_to_tune(session.study, results) if is_searched(session.study) else []
    typical = {key: None for _, _, left, key in searching if left}
    return replace(made, runs={**session.plan().runs, **made.runs}), {**typical, **needed.jobs}


def _print_sketch(options: argparse.Namespace, find_gpus: FindGpus) -> None:
    """Lay out the runs on stand-ins for what is missing, whose durations nobody can know."""
    from benchmark.checks.stand_ins import stand_in

    declared = load_study(options.study)
    if not missing(declared):
        return
    folder = scratch("bench-plan-")
    try:
        study, sketch = stand_in(declared, folder / "stand-ins")
    except TrainerError:
        return  # the type of a model is unknown: what is missing is all that can be said
    store = Store(str(folder / "mlruns"))
    session = Session.of(options, study, store, find_gpus=find_gpus)
    made = session.plan()
    needed = todo(made, {}, store)
    expected = estimate(made, needed.jobs, {}, options.study, sketch=sketch)
    _print_runs(session, made, needed, expected, (), find_gpus)


def _print_runs(
    session: Session,
    made: Plan,
    needed: Todo,
    expected: Estimate,
    results: Sequence[Tuned],
    find_gpus: FindGpus,
) -> None:
    study, workers, console = session.study, session.execution.workers, session.console
    packing = session.execution.packing() if session.asked.gpus else None
    jobs, seconds = needed.jobs, expected.seconds
    foreseen = foresee(made, jobs, seconds, session.store, workers, packing)
    wall, use = foreseen.wall, _gpu_use(session, made, find_gpus)
    rows = left_to_tune(study, results) if is_searched(study) else []
    if rows:
        wall += _print_searches(rows, expected, session, use) / workers
    console.print(_plan_table(made, needed, expected, use))
    if use and use.remark:
        console.print(f"\n{use.remark}", markup=False)
    if packing and jobs:
        console.print(gpu_table(made, foreseen, packing, series_of))
    console.print(
        f"\n{study.name}: {len(made.runs)} runs, {len(needed.jobs)} to do"
        f"{', and tuning before them' if any(left for _, _, left, _ in rows) else ''}.\n"
        f"{_expectation(wall, workers, expected)}\n"
        f"Smallest corrected p that {study.n_pairs} {study.judging.unit}s can reach in a family "
        f"of {study.family_size}: {study.smallest_p:.4g} (α = {study.judging.alpha:g}).",
        markup=False,
    )


def _gpu_use(session: Session, made: Plan, find_gpus: FindGpus) -> GpuUse | None:
    """Of the GPUs asked for, or of the first one, which runs take where none is asked for."""
    asked = session.asked.gpus
    if not asked and all(run.device != "cuda" for run in made.runs.values()):
        return None
    return GpuUse.of(asked or find_gpus().gpus[:1], packed=bool(asked))


def _expectation(wall: float, workers: int, expected: Estimate) -> str:
    if isnan(wall):
        return "How long that takes can be told when its models and data are here."
    return f"Expected: {duration(wall)} with {workers} workers, from {expected.source}."


def _print_searches(
    rows: Sequence[tuple[str, int, int, str]],
    expected: Estimate,
    session: Session,
    use: GpuUse | None,
) -> float:
    """A row for each search; returns the seconds of all that is left, if nothing is pruned."""
    study, declared, console = session.study, session.plan().runs, session.console
    table = Table("tuning", "runs", "to do", "each", *_gpu_headings(use), **_PLAIN)
    seconds = 0.0
    for name, runs, left, typical in rows:
        each = expected.seconds[typical]
        seconds += left * each
        energy = use.cells([(declared[typical], left * each)]) if use else ()
        row = (name, str(runs), str(left), _each(each) if left else "done", *energy)
        table.add_row(*map(Text, row))
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


def _gpu_headings(use: GpuUse | None) -> tuple[str, ...]:
    return use.headings if use else ()


def _plan_table(made: Plan, needed: Todo, expected: Estimate, use: GpuUse | None) -> Table:
    """A row for the runs that differ only in their seed."""
    groups: dict[str, list[str]] = {}
    for k, r in made.runs.items():
        groups.setdefault(series_of(r), []).append(k)
    heading = ("runs", "number", "to do", "FLOPs", "each", "in all", *_gpu_headings(use))
    table = Table(*heading, "disk", "after", **_PLAIN)
    left = left_by(made, with_hidden(made, needed))
    for name, keys in groups.items():
        taken = dict.fromkeys(n.key for k in keys for n in made.runs[k].needs.values())
        needs = dict.fromkeys(series_of(made.runs[k]) for k in taken)
        costs = _costs(keys, made, needed, expected, left, use)
        table.add_row(*map(Text, (name, str(len(keys)), *costs, _some(list(needs)))))
    return table


def _some(names: Sequence[str]) -> str:
    """The first of many names, and how many others there are."""
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: _NAMED - 1])} and {len(names) - _NAMED + 1} others"


def _costs(
    keys: Sequence[str],
    made: Plan,
    needed: Todo,
    expected: Estimate,
    left: Mapping[str, int],
    use: GpuUse | None,
) -> tuple[str, ...]:
    """Of some runs: how many are to do, and what these take."""
    open_keys = [k for k in keys if k in needed.jobs]
    if not open_keys:
        return "0", "", "cached", "", *("" for _ in _gpu_headings(use)), ""
    seconds = sum(expected.seconds[k] for k in open_keys)
    taken = [(made.runs[k], expected.seconds[k]) for k in open_keys]
    counted = next((f for k in open_keys if (f := expected.relative_flops.get(k))), None)
    return (
        str(len(open_keys)),
        f"{counted:.2f}×" if counted else "",
        _each(seconds / len(open_keys)),
        _each(seconds),
        *(use.cells(taken) if use else ()),
        size(sum(left[k] for k in open_keys)),
    )


def _each(seconds: float) -> str:
    return "?" if isnan(seconds) else duration(seconds)
