"""Method and seed of runs from the folders or names that they are kept under."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from stats.table.reading.seeds import Seed

#: "seed1", "seed_1", "seed-1" or "seed=1" as a word of a name.
_SEED = re.compile(r"(?:(?<=[-_.\s])|^)seed[-_=.]?(\d+)(?=$|[-_.\s])", re.IGNORECASE)
_CHECKPOINT = re.compile(r"checkpoint-\d+")


def methods_and_seeds(
    places: Sequence[str], numbers_are_seeds: bool = False
) -> list[tuple[str, Seed | None]]:
    """What each run is called without what all of them share, and its seed where that is named.

    Args:
        places: paths of folders, or names of models.
        numbers_are_seeds: whether a last folder that is a number is a seed.

    Returns:
        For each place the method, "" where nothing is left to be one, and the seed.

    >>> methods_and_seeds(["runs/kd/seed_1", "runs/kd/seed_2", "runs/base-seed1"])
    [('kd', 1), ('kd', 2), ('base', 1)]
    >>> methods_and_seeds(["org/Model-8B", "org/Model-8B-it"])
    [('Model-8B', None), ('Model-8B-it', None)]
    """
    split = _without_shared([_parts(each) for each in places])
    seeded = [_seed_taken(parts, numbers_are_seeds) for parts in split]
    left = [parts for parts, _ in seeded]
    shared = _shared(left)
    found = [
        ("/".join(parts[shared if len({*map(tuple, left)}) > 1 else 0 :]), seed)
        for parts, seed in seeded
    ]
    shorter = [(_without_checkpoints(method), seed) for method, seed in found]
    return shorter if len({*shorter}) == len({*found}) else found


def _without_checkpoints(method: str) -> str:
    return "/".join(part for part in method.split("/") if not _CHECKPOINT.fullmatch(part))


def _parts(place: str) -> list[str]:
    return [part for part in place.replace(os.sep, "/").split("/") if part not in ("", ".")]


def _shared(split: Sequence[Sequence[str]]) -> int:
    """How many first parts all of them have in common, but for the last one of any."""
    most = min((len(parts) - 1 for parts in split), default=0)
    count = 0
    while count < most and len({parts[count] for parts in split}) == 1:
        count += 1
    return count


def _without_shared(split: list[list[str]]) -> list[list[str]]:
    if len({*map(tuple, split)}) < 2:
        return split
    shared = _shared(split)
    return [parts[shared:] for parts in split]


def _seed_taken(parts: list[str], numbers_are_seeds: bool) -> tuple[list[str], Seed | None]:
    for i in reversed(range(len(parts))):
        if found := _SEED.search(parts[i]):
            rest = (parts[i][: found.start()] + parts[i][found.end() :]).strip("-_. ")
            rest = re.sub(r"([-_.])[-_.]+", r"\1", rest)
            return [*parts[:i], *([rest] if rest else []), *parts[i + 1 :]], int(found[1])
    if numbers_are_seeds and parts and parts[-1].isdecimal():
        return parts[:-1], int(parts[-1])
    return parts, None
