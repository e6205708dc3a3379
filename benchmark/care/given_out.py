"""Runs that jobs of a cluster have or will take, also where their command is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmark.care.asking import counted
from benchmark.care.selection import ToRemove
from benchmark.errors import StoreError
from benchmark.execute.engines.slurm.cluster import states
from benchmark.execute.engines.slurm.pool import JobPool, Whereabouts


def refuse_given_out(store: Path, selection: ToRemove) -> None:
    """Refuse what jobs of Slurm would write to, or write anew.

    Args:
        store: its folder.
        selection: of runs.

    Raises:
        StoreError: there are such jobs, or Slurm cannot be asked whether there are.
    """
    found: dict[JobPool, int] = {}
    for pool, _ in _given_out(store, selection):
        found[pool] = found.get(pool, 0) + 1
    for pool, number in found.items():
        jobs = states(pool.name)
        if jobs is None:
            raise StoreError(
                f"nothing was removed: {counted(number, 'run')} of it may be left to jobs of "
                "Slurm, which does not answer here. Ask where squeue does, or remove "
                f"{pool.folder} if squeue --name={pool.name} shows none."
            )
        if jobs:
            raise StoreError(
                f"nothing was removed: jobs of Slurm have {counted(number, 'run')} of it. Wait "
                f"until they have ended, or end them by scancel --name={pool.name}."
            )


def withdraw(store: Path, selection: ToRemove) -> None:
    """Leave to no later job what is removed."""
    for pool, place in _given_out(store, selection):
        pool.withdraw(place)
        pool.forget(place.ticket)


def _given_out(store: Path, selection: ToRemove) -> Iterator[tuple[JobPool, Whereabouts]]:
    """What lies in pools of a study that is removed, or of runs that are."""
    for pool in JobPool.all_of(store):
        for place, entry in pool.laid():
            if place.key in selection.keys or str(entry.study_file) == selection.file:
                yield pool, place
