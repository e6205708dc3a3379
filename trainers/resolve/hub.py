"""Where a hub name lies on this machine; nothing here ever reaches for the network.

A folder in the hub's layout serves in place of any hub name. Only `bench fetch` downloads, so
that training neither hangs without a network nor depends on what the hub holds that day.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Literal

#: Names the folder that `bench fetch` fills: `DIR/owner/name` for each repository.
VARIABLE = "ARMBENCH_DATA"

_only_there = ContextVar("_only_there", default=False)
_HUB_NAME = re.compile(r"(?!.*/\.)[\w.-]+(/[\w.-]+)?")


def is_hub_name(source: str | Path) -> bool:
    """Whether it could be the name of a repository, rather than only a folder's.

    >>> is_hub_name("distilbert/distilroberta-base"), is_hub_name("./checkpoints/mine")
    (True, False)
    """
    return isinstance(source, str) and bool(_HUB_NAME.fullmatch(source)) and source[0] != "."


def is_on_hub(source: str | Path) -> bool:
    """Whether a name on the hub is meant: it could be one, and nothing here is called so."""
    return is_hub_name(source) and not Path(source).exists()


@contextmanager
def looking_only_in(folder: Path) -> Iterator[None]:
    """Have hub names looked for in one folder and not in the hub's cache."""
    before, closed = os.environ.get(VARIABLE), _only_there.set(True)
    os.environ[VARIABLE] = str(folder.resolve())
    try:
        yield
    finally:
        _only_there.reset(closed)
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def local_folder(source: str | Path, kind: Literal["model", "data"]) -> Path | None:
    """The folder of a repository on this machine, or None.

    It is looked for as a folder, then below `$ARMBENCH_DATA`, then in the hub's own cache.

    Args:
        source: a folder, or a hub name such as "SetFit/sst5".
        kind: hub names of models and of data sets are apart in the hub's cache.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if not is_hub_name(source):
        return None
    fetched = os.environ.get(VARIABLE)
    if fetched and (Path(fetched).expanduser() / source).is_dir():
        return Path(fetched).expanduser() / source
    return None if _only_there.get() else _cached(str(source), kind)


def places(source: str | Path) -> str:
    """Where :func:`local_folder` looks, for messages."""
    if not is_hub_name(source):
        return f"there is no folder {source}"
    fetched = os.environ.get(VARIABLE)
    below = f"in {fetched}" if fetched else f"in a folder named by --data or {VARIABLE}"
    return f"it is neither a folder here, nor {below}, nor in the hub's cache"


def _cached(name: str, kind: Literal["model", "data"]) -> Path | None:
    """The snapshot that the hub's own library keeps, if it has one."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    repository = {"model": "model", "data": "dataset"}[kind]
    try:
        return Path(snapshot_download(name, repo_type=repository, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
