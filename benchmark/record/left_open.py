"""Runs that nobody writes any more: closed by whoever finds them."""

from __future__ import annotations

from collections.abc import Mapping

from benchmark.record.attempts import written
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.writer import Status, Writer


def close_orphans(writer: Writer) -> int:
    """End the runs whose process died without a word, and count them.

    Those of other machines stay open as long as these may be at work on them.
    """
    orphans = _left_open(Query(writer.connection), "tags.key != ''")
    for run in orphans:
        writer.end(run.run_id, "KILLED", "interrupted")
    return len(orphans)


def close_dead(writer: Writer, key: str, cause: str, detail: str) -> None:
    """Have the attempt at one key fail whose worker died; another command may be at the next."""
    for run in _left_open(Query(writer.connection), f"tags.key = '{key}'"):
        writer.end(run.run_id, "FAILED", cause, detail=detail)


def close_earlier(writer: Writer, key: str) -> None:
    """End all attempts at one key that are open, as the process that alone may make one now."""
    for run in Query(writer.connection).with_tag("key", [key], "= 'RUNNING'"):
        writer.end(run.run_id, "KILLED", "interrupted")


def _left_open(query: Query, condition: str) -> list[Recorded]:
    """Runs that fulfil a condition and that nobody writes any more."""
    found = query.runs(f"attributes.status = 'RUNNING' and {condition}")
    gone = [run for run in found if written(run, query.store) == "left open"]
    # One may have finished between the search and the look at its lease.
    return [run for run in gone if query.is_open(run.run_id)]


def close_children(writer: Writer, parent: str, ends: Mapping[str, tuple[Status, str]]) -> None:
    """End the open runs below another one.

    Args:
        writer: ends them.
        parent: their parent.
        ends: by the id of a run, how it ended; others were interrupted.
    """
    below = f"tags.`mlflow.parentRunId` = '{parent}' and attributes.status = 'RUNNING'"
    for run in Query(writer.connection).runs(below):
        status, word = ends.get(run.run_id, ("KILLED", "interrupted"))
        writer.end(run.run_id, status, word, {"trial_state": word})
