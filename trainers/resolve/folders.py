"""What a relative path in a declaration means: something beside the study file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from trainers.resolve.hub import is_hub_name


@dataclass(frozen=True)
class _Folders:
    beside: Path
    here: Path


_folders: ContextVar[_Folders | None] = ContextVar("_folders", default=None)
Source = TypeVar("Source", str, Path, str | Path)


@contextmanager
def declared_beside(study: Path, here: Path) -> Iterator[None]:
    """Have relative paths in declarations taken from the folder of a study file.

    Args:
        study: the folder, absolute.
        here: the working directory of the command, where what is not beside the study is found.
    """
    before = _folders.set(_Folders(study, here))
    try:
        yield
    finally:
        _folders.reset(before)


def settled(source: Source, is_file: bool = False) -> Source:
    """A relative path made absolute while a study is declared; anything else as it is.

    First comes what lies beside the study file, then what lies in the working directory. What is in
    neither place stays as it is where it could be a name on the hub. In the study's own folder
    paths stay as they were written, which is how messages then call them.

    Args:
        source: a path, or a hub name.
        is_file: whether it cannot be a hub name, whatever it looks like.
    """
    folders, path = _folders.get(), Path(source).expanduser()
    if folders is None or folders.beside == folders.here or path.is_absolute():
        return source
    found = next((f / path for f in (folders.beside, folders.here) if (f / path).exists()), None)
    if found is None and is_hub_name(source) and not is_file:
        return source
    return type(source)(found or folders.beside / path)
