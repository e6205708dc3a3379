"""What `bench run` ends with: the verdicts of a study, and its report in the record."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from rich.console import Console

from benchmark.answer.asked import over_all_tasks
from benchmark.answer.probed import Probed
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.study_record import StudyRecord
from benchmark.record.writer import Writer
from benchmark.report.gather import Gathered, gather
from benchmark.report.recording import record_report
from benchmark.terminal.page import rendered


def conclude(
    record: StudyRecord,
    query: Query,
    writer: Writer,
    tags: Callable[[], Mapping[str, str]],
    console: Console,
    kept: bool = True,
    finished: Mapping[str, Recorded] | None = None,
    shown: bool = True,
) -> None:
    """Print the verdicts of a study as `bench stats` does, and record its report.

    Args:
        record: of the study.
        query: to the record of its runs.
        writer: where its report is kept.
        tags: provenance, asked for only if there is something new to record.
        console: where to print.
        kept: whether the record is; otherwise nobody could look at its figures.
        finished: its runs and all that these needed, where they have been read.
        shown: whether the verdicts are printed.
    """
    gathered = gather(record, query, finished)
    if shown:
        _print_verdicts(gathered, console, kept)
    if kept:
        record_report(gathered, writer, tags)


def _print_verdicts(gathered: Gathered, console: Console, kept: bool) -> None:
    results, on_each = over_all_tasks([*gathered.verdicts, *gathered.sweeps])
    notes = (*gathered.notes, *(on_each if kept else ()))
    print("\n" + rendered(results, "table", console, notes))
    if probed := gathered.probed:
        print_probes(gathered.record.study, probed, console)


def print_probes(study: str, probed: Probed, console: Console) -> None:
    """Print what probes say: along a chain how scores move, else the verdicts."""
    if probed.links:
        note = f"the verdicts at each link: bench stats {shlex.quote(study)} --probes."
        print("\n" + rendered(probed.links, "table", console, (note,)))
    elif probed.analysis:
        print("\n" + rendered([probed.analysis], "table", console))
    for sentence in probed.unsaid:
        console.print(f"Note: {sentence}", markup=False, highlight=False, soft_wrap=True)
