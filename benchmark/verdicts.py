"""From recorded runs, or a table of scores, to verdicts: the command `bench stats`."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmark.errors import BenchmarkError, StoreError
from benchmark.page import page
from benchmark.record import declared_analysis, file_digest, scores_table
from benchmark.tracking import Store, Tracker

if TYPE_CHECKING:
    import pandas as pd

    from stats import Analysis


def print_verdicts(record: dict[str, Any], tracker: Tracker, console: Console) -> None:
    """Print the verdicts of a study on its test split, as its study declared them."""
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
    sys.stdout.write(_rendered(analysis, options.format, page()))
    return 0


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
