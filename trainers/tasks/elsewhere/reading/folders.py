"""The files below a folder: links followed, hidden ones passed over, links to nowhere refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from trainers.errors import TaskError

#: What systems leave beside data, besides names that begin with a dot or two underscores.
_LEFT_BEHIND = frozenset(
    (
        *("system volume information", "$recycle.bin", "recycler", "$windows.~bt", "$windows.~ws"),
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r"),  # Windows, Mac
        *("lost+found", "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot"),
    )
)


def is_hidden(path: str | PurePosixPath | Path) -> bool:
    """Whether a file, or a folder around it, is no data: as `datasets` has it, and Windows.

    Args:
        path: relative to the folder of the data.

    >>> [is_hidden(p) for p in (".ipynb_checkpoints/a.csv", "__MACOSX/a.png", "cat/._1.png", "a/b")]
    [True, True, True, False]
    """
    parts = PurePosixPath(path).parts
    return any(part.startswith((".", "__")) or part.lower() in _LEFT_BEHIND for part in parts)


def ending(path: str | PurePosixPath | Path) -> str:
    """The ending of a name in lower case: cameras and old programs write it in capitals.

    >>> ending("IMG_1.JPG"), ending("train.csv"), ending("glue")
    ('.jpg', '.csv', '')
    """
    return PurePosixPath(path).suffix.lower()


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder that is not hidden, relative to it, sorted.

    Raises:
        TaskError: a link leads nowhere, or to a folder in which it lies.
    """
    return sorted(path.relative_to(folder) for path in _walk(folder, (folder.resolve(),)))


def _walk(folder: Path, around: tuple[Path, ...]) -> Iterator[Path]:
    try:
        there = [path for path in folder.iterdir() if not is_hidden(path.name)]
    except OSError as error:
        raise TaskError(f"{folder} cannot be read: {error.strerror}.") from error
    for path in there:
        if path.is_symlink():
            _require_end(path, around)
        if path.is_dir():
            yield from _walk(path, (*around, path.resolve()))
        else:
            yield path


def _require_end(link: Path, around: tuple[Path, ...]) -> None:
    try:
        end = link.resolve(strict=True)
    except FileNotFoundError as error:
        raise TaskError(
            f"{link} is a link to {os.readlink(link)}, which is not there. Restore that, or remove "
            "the link."
        ) from error
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop, before Python 3.13
        raise TaskError(f"{link} is a link that leads back to itself. Remove it.") from error
    if end in around:
        raise TaskError(f"{link} is a link to {end}, a folder in which it lies. Remove it.")
