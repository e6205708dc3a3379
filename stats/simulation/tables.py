"""Shares in percent as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def percent_table(head: Sequence[str], rows: Mapping[str, Sequence[float]]) -> str:
    """A row for each name, the shares in percent with one decimal.

    >>> print(percent_table(["test", "n = 5"], {"t": [0.04999]}))
    | test | n = 5 |
    |---|---|
    | t | 5.0 |
    """
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, shares in rows.items():
        lines.append(f"| {name} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |")
    return "\n".join(lines)
