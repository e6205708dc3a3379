"""From a CSV file of published results to findings: the command `bench audit`."""

import argparse
import sys
from pathlib import Path
from typing import Any

FORMATS = ("table", "markdown", "html", "json")


def add_audit(audit: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    audit.add_argument(
        "tables",
        type=Path,
        metavar="TABLE.csv",
        help="columns method, task, mean, n, and more; see docs/audit.md",
    )
    audit.add_argument(
        "--paired-correlation",
        type=float,
        metavar="R",
        help="of scores that share a seed: test pairs (default: Welch's test, arms apart)",
    )
    audit.add_argument("--margin", type=float, help="smallest difference that matters, in points")
    audit.add_argument("--format", choices=FORMATS, default="table")


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
    }
    found = audit_tables(tables, **given)
    if options.format == "html":
        from benchmark.audit.html import to_html

        return to_html(found, options.tables.name)
    from benchmark.page import page
    from stats.report import render

    console = page()
    return render(found, options.format, width=console.width, colour=console.is_terminal)
