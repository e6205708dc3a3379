"""What is found out once for all runs that are made from the same objects of a study."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.runs.identity import reached_of
from benchmark.runs.kinds import Run
from benchmark.runs.reach import alterations


def declared_alike(runs: Iterable[Run]) -> Iterable[list[Run]]:
    """Runs that are made from the very same objects of a study, together."""
    found: dict[tuple[int, ...], list[Run]] = {}
    for run in runs:
        found.setdefault(tuple(map(id, run.declared())), []).append(run)
    return found.values()


def unfollowed(runs: Iterable[Run]) -> list[str]:
    """What the code of some runs reaches that cannot be followed, a sentence each."""
    places: dict[str, set[str]] = {}
    for alike in declared_alike(runs):
        for declared in alike[0].declared():
            for what in (*reached_of(declared).unfollowed, *alterations.altered().unfollowed):
                places.setdefault(what, set()).update(run.key for run in alike)
    return [
        f"{what}, so that it cannot be followed: the {len(keys)} runs that reach it are trained "
        "anew by every command, and no earlier one counts."
        for what, keys in places.items()
    ]
