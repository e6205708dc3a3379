"""Where data from elsewhere lie on this machine, and what of them is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from trainers.errors import TaskError
from trainers.resolve import hub
from trainers.resolve.needs import FETCH, Needed
from trainers.tasks.elsewhere.reading import layout
from trainers.tasks.elsewhere.reading.folders import ending

#: What is fetched of a data set on the hub.
FETCHED = ("README.md", *(f"*{each}" for each in layout.TABLES))
#: What to do about data that are here and unfit.
CORRECT = "correct the data, or what the task says of them"


class NoSuchSplit(TaskError):  # noqa: N818 - which of the task errors it is
    """The data are here and have other splits than a task names."""


def lacking(
    data: str | Path, config: str, fetched: tuple[str, ...], look: Callable[[], object]
) -> tuple[Needed, ...]:
    """What of some data is not on this machine; nothing where the files are here.

    Args:
        data: a file, a folder, or a hub name.
        config: the configuration of a data set that has several.
        fetched: patterns of the files to fetch, if the hub has them.
        look: finds the files, or raises TaskError.
    """
    on_hub = hub.is_on_hub(data) and ending(data) not in layout.TABLES
    get, files = (FETCH, fetched) if on_hub else (CORRECT, ())
    try:
        place_of(data)
    except TaskError:
        where = hub.places(data) if on_hub else f"there is no {Path(data).absolute()}"
        return (Needed("data", str(data), where, get, files, config),)
    try:
        look()
    except NoSuchSplit as error:
        return tuple(unfit_data(data, fault) for fault in error.faults)
    except TaskError as error:
        where = str(error).rstrip(".")
        return (Needed("data", str(data), where, get, files, config),)
    return ()


def unfit_data(data: str | Path, fault: str) -> Needed:
    """That some data are here and unfit."""
    return Needed("data", str(data), fault.rstrip("."), CORRECT)


def place_of(data: str | Path) -> Path:
    """The file or folder of some data on this machine."""
    path = Path(data).expanduser()
    place = path if path.is_file() else hub.local_folder(data, "data")
    if place is None:
        raise TaskError(f'data "{data}": {hub.places(data)}. With a network: bench fetch STUDY.')
    return place


def files_of(
    data: str | Path,
    config: str,
    wanted: Sequence[str],
    find: Callable[[Path, str, Sequence[str]], layout.SplitFiles],
) -> dict[str, Sequence[Path]]:
    """The files of some splits, in this order.

    Args:
        data: a file, a folder, or a hub name.
        config: the configuration of a data set that has several.
        wanted: names of splits.
        find: the splits of a place and configuration; the names say which are looked for.

    Raises:
        NoSuchSplit: the data are here, and have no such split.
        TaskError: the data are not here, or not whole, or have no such configuration.
    """
    place = place_of(data)
    found = find(place, config, wanted)
    names = _names(wanted, found, place)
    if missing := [split for split in wanted if names[split] is None]:
        stated = layout.declared(place, config)
        gone = {s: stated[name] for s in missing if (name := layout.called(s, stated))}
        if gone or not found:
            listed = ", ".join(f'"{p}"' for each in (gone or stated).values() for p in each)
            split = either([*gone] or missing)
            raise TaskError(
                f"{place}: no file is here of the split {split}; its README.md names {listed}."
            )
        raise NoSuchSplit(
            f"{place}: there is no split {either(missing)} among {', '.join(found)}. Name another "
            f'split, or carve one: Part("{next(iter(found))}", 500).'
        )
    return {split: found[name] for split, name in names.items() if name}


def _names(wanted: Sequence[str], found: layout.SplitFiles, place: Path) -> dict[str, str | None]:
    """What the place calls each of the splits.

    Raises:
        NoSuchSplit: a name may mean several of its splits, or two names mean one.
    """
    try:
        names = {split: layout.called(split, found) for split in wanted}
    except TaskError as error:
        raise NoSuchSplit(*(f"{place}: {fault}" for fault in error.faults)) from error
    for split, name in names.items():
        if name and (alike := [s for s in wanted if names[s] == name]) != [split]:
            raise NoSuchSplit(f'{place}: {" and ".join(alike)} are one split; call it "{name}".')
    return names


def content_of(file: Path) -> str:
    """SHA-256 of a file's bytes, computed once as long as the file stays as it is."""
    return _digest(file, state_of(file))


def either(splits: Sequence[str]) -> str:
    """Names of splits, for messages.

    >>> either(["dev", "test"])
    '"dev" or "test"'
    """
    return " or ".join(f'"{split}"' for split in splits)


def state_of(path: Path) -> tuple[str, int, int]:
    """What tells whether a file has changed, without reading it."""
    if not path.is_file():
        raise TaskError(f"{path} is missing.")
    stat = path.stat()
    return str(path), stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=1 << 17)
def _digest(path: Path, state: tuple[str, int, int]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
