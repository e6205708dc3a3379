"""Tune, train and judge the study of a session: what `bench run` and its rehearsal do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console

from benchmark.checks.estimate import Estimate, estimate
from benchmark.checks.foresight import foresee
from benchmark.declare.tuned import is_searched
from benchmark.errors import StoreError
from benchmark.execute.attempt.resuming import forget
from benchmark.execute.hidden import with_hidden
from benchmark.execute.scheduler import Outcome, run_plan
from benchmark.execute.todo import Todo, promising, todo
from benchmark.record.of_study import study_record
from benchmark.record.recorded import Recorded
from benchmark.record.studies import record_study
from benchmark.runs.plan import Plan
from benchmark.secrets import masked
from benchmark.session.display import Display
from benchmark.session.gpu_plan import counted
from benchmark.session.planned import planned_and_real
from benchmark.session.searching import search
from benchmark.session.session import Session
from benchmark.terminal.duration import duration
from benchmark.tuning.results import Tuned, as_record
from stats.errors import StatsError

FINISHED, FAILED, INTERRUPTED = 0, 1, 130
#: Seconds that a run takes of those that are executed in this process; nobody need time them.
_TINY = 0.4


def run_session(session: Session, shown: bool = True) -> int:
    """Tune, train and judge the study of a session; returns the exit code.

    Args:
        session: of the study.
        shown: whether its verdicts are printed.
    """
    session.plan()  # what is wrong is said before anything is trained
    session.remark()
    with session.at_work():
        _refuse_mixture(session)
        tuning = search(session)
        if tuning and not tuning.complete:
            return INTERRUPTED if tuning.interrupted else FAILED
        results = tuning.results if tuning else ()
        made, finished = session.settled(session.plan(results))
        needed = todo(made, finished, session.store)
        return train_arms(session, results, made, finished, needed, shown)


def _refuse_mixture(session: Session) -> None:
    """Say before anything is tuned what would be said before the arms are trained."""
    if is_searched(session.study):
        from benchmark.tuning.of_study import known_results

        known = known_results(session.study, session.connection, session.optuna_storage)
        session.settled(session.plan(known))


def train_arms(
    session: Session,
    results: Sequence[Tuned],
    made: Plan,
    finished: dict[str, Recorded],
    needed: Todo,
    shown: bool = True,
) -> int:
    """Train arms on the seeds of the comparison, and judge; returns the exit code.

    Args:
        session: of the study.
        results: of its searches.
        made: its plan with what these found.
        finished: those of its runs that are.
        needed: what is trained.
        shown: whether verdicts are printed.
    """
    query, writer, console = session.query, session.writer, session.console
    record = study_record(made, session.study_file, as_record(session.study, results))
    record_study(writer, record)
    needed = with_hidden(made, needed)
    code = execute(session, made, needed, finished)
    if code == INTERRUPTED:
        return code
    from benchmark.report.conclusion import conclude

    try:
        kept, known = not session.rehearses, None if needed.jobs else finished
        conclude(record, query, writer, lambda: session.tags, console, kept, known, shown)
    except (StatsError, StoreError) as error:
        console.print(f"\nNo verdict: {error}", markup=False)
    return FAILED if code or any(not t.best for t in results) else FINISHED


def execute(session: Session, made: Plan, needed: Todo, finished: dict[str, Recorded]) -> int:
    """Execute what is to do of a plan, and say what failed; returns the exit code."""
    console = session.console
    session.note(*needed.damaged)
    forget(session.store.cache, finished.keys() - needed.jobs.keys())
    if needed.jobs:
        # Its fork server loads torch beside the calibration that comes next.
        _ = session.engine
    each, study_file = _TINY if session.rehearses_here else None, session.project.study_file
    similar = session.similar(made, needed.jobs) if each is None else {}
    with session.at_home():
        ask = session.asked.engine != "inline"
        limit = session.run_timeout
        expected = estimate(made, needed.jobs, similar, study_file, each, own=ask, patience=limit)
    session.note(*expected.remarks)
    needed = replace(needed, jobs=promising(made, needed.jobs, expected.hopeless))
    planned = _foreseen(session, made, needed, expected)
    _print_start(session, made, needed, expected.source, planned)
    outcome, began = Outcome(), time.monotonic()
    if needed.jobs:
        workers = session.execution.workers
        display = Display(made, needed.jobs, needed.cached, finished, expected, workers, console)
        scheduler = session.scheduler(display.on_start)
        with display:
            outcome = run_plan(
                made,
                needed.jobs,
                scheduler,
                lambda r: expected.seconds[r.key],
                display.on_event,
                {k: trouble.message for k, trouble in expected.hopeless.items()},
            )
    _print_failures(made, outcome, console, session.debug)
    if any(ended.status == "finished" for ended in outcome.ended.values()):
        took = time.monotonic() - began
        told = planned_and_real(made, outcome, expected.seconds, planned, took)
        console.print(told, markup=False, soft_wrap=True)
    session.note(*_tried_otherwise(made, outcome))
    if outcome.interrupted:
        console.print("Stopped. What finished is kept; the same command goes on from there.")
        return INTERRUPTED
    return FAILED if outcome.failed else FINISHED


def _foreseen(session: Session, made: Plan, needed: Todo, expected: Estimate) -> float:
    """Seconds until all is done, as far as that can be told."""
    workers = session.execution.workers
    packing = session.execution.packing() if session.asked.gpus else None
    return foresee(made, needed.jobs, expected.seconds, session.store, workers, packing).wall


def _print_start(session: Session, made: Plan, needed: Todo, source: str, planned: float) -> None:
    cells, probes = len(made.cells), len(made.judged) - len({*made.cells} - {""})
    counted_probes = f" and {probes} probes" if probes else ""
    line = f"{made.study.name}: {cells} runs in the comparison{counted_probes}, "
    line += f"{len(needed.cached)} cached"
    if needed.jobs:
        workers, on = session.execution.workers, session.asked.gpus
        gpus = f" on {counted(on)}" if on else ""
        line += (
            f"; {len(needed.jobs)} to do with {workers} workers{gpus}, about {duration(planned)} "
            f"(from {source})"
        )
    line += f". Record: {session.store.shown}"
    session.console.print(line, markup=False, soft_wrap=True)


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
            console.print(masked(ended.details), markup=False)
    blocked = {k: outcome.blocked[k] for k in made.runs if k in outcome.blocked}
    for cause, keys in _by_cause(blocked).items():
        names = ", ".join(made.runs[k].name for k in keys)
        console.print(f"  not started, for want of {made.runs[cause].name}: {names}", markup=False)


def _tried_otherwise(made: Plan, outcome: Outcome) -> Iterator[str]:
    if names := ", ".join(made.runs[k].name for k in outcome.crowded_out):
        yield f"Out of memory beside others, and tried again alone: {names}."
    in_parts = outcome.in_parts.items()
    if names := ", ".join(f"{made.runs[k].name} ({parts} parts)" for k, parts in in_parts):
        yield f"Out of memory, and tried again with each batch in parts: {names}."
    together: dict[str, list[str]] = {}
    for k, ended in outcome.taken_apart.items():
        together.setdefault(f"{ended.status} ({ended.message})", []).append(made.runs[k].name)
    for how, of_stack in together.items():
        yield f"Trained apart after all, for their stack ended as {how}: {', '.join(of_stack)}."


def _by_cause(blocked: dict[str, str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for k, cause in blocked.items():
        grouped.setdefault(cause, []).append(k)
    return grouped
