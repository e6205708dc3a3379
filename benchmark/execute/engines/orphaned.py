"""Has the fork server leave with its parent while it imports, as it does by itself after that."""

from __future__ import annotations

import os
import threading

#: Variable of the server's environment: the number of its parent, which may be gone at its start.
PARENT = "ARMBENCH_PARENT"
#: Seconds between two looks at the parent.
_TICK = 0.1
_loaded = threading.Event()


def _watch(parent: int) -> None:
    while not _loaded.wait(_TICK):
        if os.getppid() != parent:
            os._exit(1)


def loaded() -> None:
    """All is imported: no thread may be left, since a process that has several may not fork."""
    _loaded.set()
    if _watching:
        _watching.join()


_watching: threading.Thread | None = None
if PARENT in os.environ:
    _parent = int(os.environ.pop(PARENT))
    _watching = threading.Thread(target=_watch, args=(_parent,), daemon=True)
    _watching.start()
