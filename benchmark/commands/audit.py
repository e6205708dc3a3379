"""`bench audit`: what published tables of mean ± sd can be."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

FORMATS = ("table", "markdown", "html", "json")


EXAMPLES = (
    "bench audit table.csv",
    "bench audit table.csv --spread se --margin 0.5",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    from stats.choices import SPREADS

    command.add_argument(
        "tables",
        type=Path,
        metavar="TABLE.csv",
        help="columns method, task, mean, n, and more; see docs/audit.md",
    )
    command.add_argument(
        "--paired-correlation",
        type=float,
        metavar="R",
        help="of scores that share a seed: test pairs (default: Welch's test, arms apart)",
    )
    command.add_argument(
        "--spread",
        choices=SPREADS,
        default="sd",
        help="what the ± is: sd (default), standard error, or half of a 95%% interval",
    )
    command.add_argument("--margin", type=float, help="smallest difference that matters, in points")
    command.add_argument("--format", choices=FORMATS, default="table")


def audit(options: argparse.Namespace) -> int:
    """Print what the tables can be and what they support."""
    sys.stdout.write(_rendered(options))
    return 0


def _rendered(options: argparse.Namespace) -> str:
    from stats import audit_tables
    from stats.audit import read_printed_tables

    tables = read_printed_tables(options.tables)
    given: dict[str, Any] = {
        "margin": options.margin,
        "paired_correlation": options.paired_correlation,
        "spread": options.spread,
    }
    found = audit_tables(tables, **given)
    if options.format == "html":
        from benchmark.report.pages.audit import to_html

        return to_html(found, options.tables.name)
    from benchmark.terminal.page import page
    from stats.report import render

    console = page()
    return render(found, options.format, width=console.width, colour=console.is_terminal)
