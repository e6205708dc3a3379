"""How long something takes, as people say it."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(42), duration(125), duration(7300), duration(412 * 3600)
    ('42 s', '2 min 05 s', '2 h 01 min', '17 days 4 h')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} days {whole % 86400 // 3600} h"
