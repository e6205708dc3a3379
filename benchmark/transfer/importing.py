"""Take a study from a file into a record; what is there already is left alone.

A run counts only when all of it is there. What a command that was ended has left of one is removed
by the next, which goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmark.record.query import Query
from benchmark.record.recorded import ORIGIN, half
from benchmark.record.studies import last_plans
from benchmark.record.whole import WholeRun
from benchmark.record.writer import Writer
from benchmark.runs.key import key
from benchmark.transfer.format import Incoming, TransferError, damaged, unpacking
from benchmark.tuning.moving import add_trials

_FINISHED = "= 'FINISHED'"
#: Runs that are asked for by their ids together.
_AT_ONCE = 500


@dataclass(frozen=True)
class Imported:
    """What came of it.

    Attributes:
        study: its name.
        new: runs that were taken in.
        known: runs that were there already.
        trained: runs that are left out, since the record has finished ones of their keys.
        searches: that Optuna did not know.
    """

    study: str
    new: int
    known: int
    trained: int
    searches: int


def import_study(path: Path, writer: Writer, storage: str) -> Imported:
    """Take a study in.

    Args:
        path: of the file.
        writer: to the record.
        storage: where searches are kept, for Optuna.

    Raises:
        TransferError: the file is damaged, or of a later version, or another study has its name.
    """
    with unpacking(path) as packed:
        study, query = str(packed.head.get("study", "")), Query(writer.connection)
        index = {
            run.identity: _Key(
                run.tags.get("key", ""), any(m.startswith("test/") for m in run.metrics)
            )
            for run in (_run(packed, each) for each in packed.runs)
        }
        _refuse_another(packed, query, study)
        experiment = _experiment(writer, query, study, str(packed.head.get("described", "")))
        writer.require_files(experiment)
        with writer.store.cache.uses.holding(f"import-{key({'study': study})}"):
            _withdraw_halves(writer, query, index)
            known = _known(query, index)
            trained = _trained(query, index) - known.keys()
            missing = [each for each in index if each not in known and each not in trained]
            for identity in missing:
                run = _run(packed, identity)
                known[identity] = _take_in(packed, writer, run, known.get(run.parent, ""))
        searches = sum(add_trials(storage, packed.json(name)) for name in packed.searches)
    there = len(index) - len(missing) - len(trained)
    return Imported(study, len(missing), there, len(trained), searches)


@dataclass(frozen=True)
class _Key:
    """Of a run: what was to be trained, and whether it was scored on test."""

    key: str
    is_tested: bool


def _refuse_another(packed: Incoming, query: Query, study: str) -> None:
    """Refuse a study that shares its name with another one of the record, and nothing else."""
    experiment = query.experiment(study)
    plan = last_plans(query).get(experiment) if experiment else None
    cells = {cell.key for cell in plan.cells} if plan else set()
    if cells and cells.isdisjoint(packed.head.get("cells", ())):
        raise TransferError(
            f'another study "{study}" is recorded in {query.store.shown}, with none of the runs '
            f"of {packed.path}: import it into another record, with --store DIR."
        )


def _experiment(writer: Writer, query: Query, study: str, described: str) -> str:
    """Where its runs go, with its description where it is new."""
    known = query.experiment(study)
    experiment = known or writer.experiment(study)
    if described and not known:
        writer.describe(experiment, described)
    return experiment


def _run(packed: Incoming, identity: str) -> WholeRun:
    name = f"runs/{identity}/run.json"
    try:
        run = WholeRun.from_json(packed.json(name))
    except ValueError as error:
        raise damaged(packed.path, f"{name}: {error}") from error
    if run.identity != identity:
        raise damaged(packed.path, f"{name} is that of another run")
    return run


def _withdraw_halves(writer: Writer, query: Query, index: Mapping[str, _Key]) -> None:
    """Remove what a command that was ended has left of runs."""
    for run in query.with_tag(ORIGIN, map(half, index)):
        writer.withdraw(run.run_id)


def _known(query: Query, index: Mapping[str, _Key]) -> dict[str, str]:
    """The ids here of runs that are there already, moved here before or made here."""
    found = {run.identity: run.run_id for run in query.with_tag(ORIGIN, index)}
    ids = sorted(index)
    for i in range(0, len(ids), _AT_ONCE):
        listed = ", ".join(f"'{each}'" for each in ids[i : i + _AT_ONCE])
        made_here = query.runs(f"attributes.run_id IN ({listed})")
        found |= {run.run_id: run.run_id for run in made_here}
    return found


def _trained(query: Query, index: Mapping[str, _Key]) -> set[str]:
    """Attempts at what the record has finished itself: its own runs go on to count."""
    keys = {each.key for each in index.values()}
    own = [r for r in query.with_tag("key", keys, _FINISHED) if r.identity not in index]
    done = {run.tags["key"] for run in own}
    tested = {run.tags["key"] for run in own if run.is_tested}
    return {i for i, each in index.items() if each.key in (tested if each.is_tested else done)}


def _take_in(packed: Incoming, writer: Writer, run: WholeRun, parent: str) -> str:
    """Write a run with all that it keeps; returns its id here."""
    run_id = writer.begin_moved(run)
    with writer.store.cache.scratch() as scratch:
        for name in packed.runs[run.identity]:
            inside = PurePosixPath(name)
            path = scratch / inside.name
            packed.unpack(f"runs/{run.identity}/files/{name}", path)
            within = inside.parent.as_posix()
            writer.attach(run_id, path, None if within == "." else within)
            path.unlink()
    writer.end_moved(run_id, run, parent)
    return run_id
