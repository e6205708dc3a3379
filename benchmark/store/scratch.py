"""Folders for what is read once, which are gone when the command has ended."""

import atexit
import multiprocessing.process
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

_open = ExitStack()


def scratch(prefix: str) -> Path:
    """A new folder in the system's place for such, until :func:`clear`."""
    return Path(_open.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))


def clear() -> None:
    """Remove all of them; `bench` does that itself, since it ends without waiting for Python."""
    _open.close()


def keep_temporary_files_together() -> None:
    """Have Python's and torch's own folders made in one of these, in place of beside it."""
    folder = scratch("bench-")
    # multiprocessing would remove its own only at an exit that `bench` does not wait for.
    multiprocessing.process.current_process()._config["tempdir"] = str(folder)  # type: ignore[attr-defined]
    # torch makes one when it is imported, for kernels that nothing here compiles.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder / "torch"))


atexit.register(clear)
