"""Rows of any length: Arrow reads text in blocks, and a row may lie in two of them at most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

#: Bytes that Arrow takes at first, and the most that it can take.
_FIRST, _MOST = 1 << 20, 1 << 30


def fitting(read: Callable[[int], Any]) -> Any:
    """What a reader returns, with blocks doubled until they hold its rows, as `datasets` does.

    Args:
        read: takes the size of blocks, in bytes.
    """
    size = _FIRST
    while True:
        try:
            return read(size)
        except pa.ArrowInvalid as error:
            if "straddling object" not in str(error) or size >= _MOST:
                raise
            size *= 2
