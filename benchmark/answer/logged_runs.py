"""Scores of an experiment that other programs logged with MLflow."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchmark.errors import BenchmarkError
from benchmark.record.logged import LoggedRun, best_value, connection_to_others, logged_runs
from benchmark.store.connection import Connection

if TYPE_CHECKING:
    import pandas as pd

#: Before the name of a metric whose best value is asked for, in place of its last.
_BEST = "best."
#: Runs that are named one by one.
_MOST = 10


def scores_of_experiment(
    options: argparse.Namespace, columns: Mapping[str, str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The scores of the runs that are FINISHED, and which others are left out.

    Args:
        options: of `bench stats`: experiment, store, metric, direction and form of the table.
        columns: what is what, as in `{"method": "params.method", "score": "metrics.eval_acc"}`.

    Raises:
        StoreError: no record, or no such experiment.
        ScoresError: a column is missing; the message proposes likely ones.
        BenchmarkError: no run is FINISHED.
    """
    from stats.table.reading.files import Lines
    from stats.table.reading.place import Place
    from stats.table.scores import scores_of_lines

    connection = connection_to_others(options.store)
    runs = logged_runs(connection, options.mlflow)
    finished = [run for run in runs if run.status == "FINISHED"]
    if not finished:
        told = _named([f"{run.name} ({run.status})" for run in runs]) if runs else "none at all"
        raise BenchmarkError(f'no run of "{options.mlflow}" is FINISHED; it has {told}.')
    asked = columns.get("score") or options.metric or ""
    rows = [dict(run.columns) for run in finished]
    if asked.startswith(_BEST):
        _add_best(connection, finished, rows, asked, options.lower_is_better)
    scored = [not asked or asked in row or options.wide == "metric" for row in rows]
    if not any(scored):
        scored = [True] * len(rows)  # the column is wrong, which the table says
    kept = [(run, row) for run, row, has in zip(finished, rows, scored, strict=True) if has]
    header = _ordered({name for _, row in kept for name in row})
    lines = Lines(
        header,
        [[row.get(name, "") for name in header] for _, row in kept],
        [Place(f'the experiment "{options.mlflow}"', f"run {run.name}") for run, _ in kept],
    )
    source = f'the experiment "{options.mlflow}"'
    table = scores_of_lines(lines, source, options.metric, columns, options.wide)
    without = [run.name for run, has in zip(finished, scored, strict=True) if not has]
    return table, (
        *_note([f"{r.name} ({r.status})" for r in runs if r.status != "FINISHED"], "not FINISHED"),
        *_note(without, f"without {asked}"),
    )


def _add_best(
    connection: Connection,
    runs: Sequence[LoggedRun],
    rows: Sequence[dict[str, str]],
    asked: str,
    lower_is_better: bool | None,
) -> None:
    """Add the best value of a metric to the rows of the runs that have it."""
    from stats.table.direction import by_name

    metric = asked.removeprefix(_BEST)
    lower = by_name(metric) if lower_is_better is None else lower_is_better
    for run, row in zip(runs, rows, strict=True):
        if f"metrics.{metric}" in row:
            row[asked] = repr(best_value(connection, run.run_id, metric, bool(lower)))


def _ordered(names: set[str]) -> list[str]:
    """Parameters first, then tags, metrics, and what is of the run around a run."""
    kinds = ("params.", "tags.", "metrics.", _BEST, "run_name", "parent.")
    return sorted(names, key=lambda name: ([name.startswith(k) for k in kinds].index(True), name))


def _note(names: Sequence[str], what: str) -> tuple[str, ...]:
    if not names:
        return ()
    count = f"{len(names)} run{'s' * (len(names) > 1)}"
    return (f"{count} {what} left out: {_named(names)}.",)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
