"""How this process gives memory back to the system: late."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h of glibc


def keep_freed_memory() -> None:
    """Tell glibc to keep what is freed for the next allocation; elsewhere nothing happens.

    By default every tensor above 128 KiB is mapped afresh and zeroed page by page by the kernel.
    What that saves is measured in `tests/speed/training.py`.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # the most that glibc accepts
        mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
        mallopt(_M_TOP_PAD, 64 << 20)


#: By which Linux counts the peak of a process anew, and what has it do so.
_COUNTED, _ANEW = Path("/proc/self/clear_refs"), "5"


def can_begin_anew() -> bool:
    """Whether the peak of a process can be counted anew, for another run in it."""
    return os.access(_COUNTED, os.W_OK)


def begin_anew() -> None:
    """Give back what an earlier run of this process left, and count its peak of memory anew."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    _COUNTED.write_text(_ANEW, "ascii")
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
