"""`bench report`: a page of verdicts, figures and costs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmark.commands.options import add_recorded_study, add_store

EXAMPLES = (
    "bench report",
    "bench report study.py --out page",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_recorded_study(command)
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write it (default: reports/STUDY)"
    )
    add_store(command)


def report(options: argparse.Namespace) -> int:
    """Write the report of a study that has been run."""
    from benchmark.record.query import Query
    from benchmark.record.studies import recorded_study
    from benchmark.report.gather import gather
    from benchmark.report.names import folder_name
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store

    store = Store.choose(options.store)
    store.require()
    query = Query(Connection(store))
    record = recorded_study(query, options.study)
    folder = options.out or Path("reports") / folder_name(record.study)
    from benchmark.report.files import write_report  # matplotlib, which a verdict does not need

    write_report(gather(record, query), folder)
    sys.stdout.write(f"{folder / 'report.html'}\n")
    return 0
