"""Runs that nobody writes any more: closed by whoever finds them."""

from collections.abc import Mapping

from benchmark.record.query import Query
from benchmark.record.writer import Status, Writer


def close_orphans(writer: Writer) -> int:
    """End the runs whose process died without a word, and count them."""
    query = Query(writer.connection)
    orphans = [
        run
        for run in query.runs("attributes.status = 'RUNNING' and tags.key != ''")
        if not query.store.cache.is_locked(run.tags["key"])
    ]
    # One may have finished between the search and the look at its lock.
    orphans = [run for run in orphans if query.is_open(run.run_id)]
    for run in orphans:
        writer.end(run.run_id, "KILLED", "interrupted")
    return len(orphans)


def close_run(writer: Writer, key: str, status: Status, reason: str) -> None:
    """End the running attempt at one key, whose worker can no longer do it."""
    mine = f"attributes.status = 'RUNNING' and tags.key = '{key}'"
    for run in Query(writer.connection).runs(mine):
        writer.end(run.run_id, status, reason)


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
