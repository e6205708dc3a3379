"""What became of the attempts at a run: of all that are recorded under its key, what counts now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.store.process import Process
from benchmark.store.store import Store

#: A run is "left open" that is recorded as running and whose process is gone; a command that trains
#: closes it. One is "elsewhere" that a server keeps and another machine runs, which alone can tell.
State = Literal["finished", "running", "elsewhere", "left open", "failed", "interrupted", "waiting"]


@dataclass(frozen=True)
class Attempt:
    """The attempt at a run that counts now.

    Attributes:
        state: of the run.
        run: the attempt.
        failure: the last one that failed, whatever came after it; None where none did.
    """

    state: State
    run: Recorded
    failure: Recorded | None = None


def attempts(query: Query, keys: Iterable[str], tested: Collection[str] = ()) -> dict[str, Attempt]:
    """What became of each of these runs that was begun, by key.

    Args:
        query: to the record.
        keys: of the runs.
        tested: those that count as finished only with scores on test.
    """
    found: dict[str, list[Recorded]] = {}
    for run in query.with_tag("key", keys):
        found.setdefault(run.tags["key"], []).append(_now(query, run))
    return {key: _counts(runs, key in tested, query.store) for key, runs in found.items()}


def written(run: Recorded, store: Store) -> State:
    """Whether somebody writes to a run that is recorded as running; writes nothing itself.

    Whoever does holds its lease, which lies beside a local record. Of a record that a server keeps
    it lies in the folder from which the command was started, which may be another one.
    """
    holder = store.cache.runs.holder(run.tags["key"]) if "key" in run.tags else None
    process = Process.parse(run.tags.get("process", ""))
    if holder and process in (None, holder.process):
        return "running"
    if store.is_local or holder or process is None or process.is_gone:
        return "left open"
    return "running" if process.is_here else "elsewhere"


def _now(query: Query, run: Recorded) -> Recorded:
    """A run as it is, which may have ended between the search and the look at its process."""
    if run.status != "RUNNING" or written(run, query.store) != "left open":
        return run
    again = query.runs(f"attributes.run_id = '{run.run_id}'")
    return again[0] if again else run


def _counts(runs: Sequence[Recorded], tested: bool, store: Store) -> Attempt:
    """Of all attempts at a run, the oldest first; an interrupted one undoes no failure."""
    done = [run for run in runs if run.status == "FINISHED" and (run.is_tested or not tested)]
    failed = [run for run in runs if run.status == "FAILED"]
    failure = failed[-1] if failed else None
    if done:
        return Attempt("finished", done[0], failure)
    for run in reversed(runs):
        if run.status == "RUNNING":
            return Attempt(written(run, store), run, failure)
    if failure:
        return Attempt("failed", failure, failure)
    last = runs[-1]
    return Attempt("interrupted" if last.status == "KILLED" else "waiting", last)
