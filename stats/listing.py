"""Long lists in a message: the first few, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence


def first_few(lines: Sequence[str], most: int = 3, separator: str = "; ") -> str:
    """The first of several lines, and how many are not shown; one more is shown, too.

    >>> first_few(["a", "b", "c", "d"]), first_few(list("abcde"))
    ('a; b; c; d', 'a; b; c; and 2 more')
    """
    shown = lines if len(lines) <= most + 1 else [*lines[:most], f"and {len(lines) - most} more"]
    return separator.join(shown)
