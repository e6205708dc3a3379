"""The command `bench report`, and the report with which `bench run` ends."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmark.report.gather import gather
from benchmark.report.names import folder_name
from benchmark.report.recording import record_report
from benchmark.store import Store
from benchmark.tracking import Tracker
from benchmark.verdicts import rendered


def report(options: argparse.Namespace) -> int:
    """Write the report of a study that has been run."""
    store = Store.choose(options.store)
    store.require()
    tracker = Tracker(store)
    record = tracker.study_record(options.study)
    folder = options.out or Path("reports") / folder_name(str(record["study"]))
    from benchmark.report.files import write_report  # matplotlib, which a verdict does not need

    write_report(gather(record, tracker), folder)
    sys.stdout.write(f"{folder / 'report.html'}\n")
    return 0


def conclude(
    record: Mapping[str, Any],
    tracker: Tracker,
    tags: Callable[[], Mapping[str, str]],
    console: Console,
    kept: bool = True,
) -> None:
    """Print the verdicts of a study as it declared them, and record its report.

    Args:
        record: of the study.
        tracker: where its runs are.
        tags: provenance, asked for only if there is something new to record.
        console: where to print.
        kept: whether the record is; otherwise nobody could look at its figures.
    """
    gathered = gather(record, tracker)
    print("\n" + rendered(gathered.verdicts, "table", console, gathered.notes))
    if kept:
        record_report(gathered, tags)
