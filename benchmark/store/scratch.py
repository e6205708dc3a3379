"""Folders for what is read once, which are gone when the command has ended."""

from __future__ import annotations

import atexit
import multiprocessing.process
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

from benchmark.store.process import Process

#: How their names begin; and in each, the file that says whose it is.
_PREFIX, _OWNER = "bench-", ".owner"
#: Where torch is told to keep what it compiles.
_OF_TORCH = "TORCHINDUCTOR_CACHE_DIR"
_open = ExitStack()


def scratch(prefix: str) -> Path:
    """A new folder in the system's place for such, until :func:`clear`.

    Args:
        prefix: of its name; it begins with "bench-".
    """
    folder = Path(_open.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))
    with suppress(OSError):  # no room: it is not swept then
        (folder / _OWNER).write_text(Process.here().name, "utf-8")
    return folder


def clear() -> None:
    """Remove all of them; `bench` does that itself, since it ends without waiting for Python."""
    _open.close()


def sweep() -> None:
    """Remove those that commands of this user left which were killed on this machine."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            mine = folder.lstat().st_uid == os.getuid()
            owner = Process.parse((folder / _OWNER).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if mine and owner is not None and owner.is_gone:
            shutil.rmtree(folder, ignore_errors=True)


def keep_temporary_files_together() -> None:
    """Have Python's and torch's own folders made in one of these, in place of beside it."""
    sweep()
    folder = scratch(_PREFIX)
    # multiprocessing would remove its own only at an exit that `bench` does not wait for.
    multiprocessing.process.current_process()._config["tempdir"] = str(folder)  # type: ignore[attr-defined]
    # torch makes one when it is imported, for kernels that nothing here compiles.
    told = os.environ.get(_OF_TORCH)
    if not told or Path(told).parent.name.startswith(_PREFIX):  # of the command that began a job
        os.environ[_OF_TORCH] = str(folder / "torch")
    _open.callback(_end_fork_server)


def _end_fork_server() -> None:
    """Before the folder goes: while it imports torch, the server would make it anew."""
    module = sys.modules.get("multiprocessing.forkserver")
    server = module and module._forkserver._forkserver_pid
    if server:
        with suppress(OSError):
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)


atexit.register(clear)
