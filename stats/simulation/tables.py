"""Shares in percent as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def percent_table(head: Sequence[str], rows: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """A row for each name and a cell for each group of shares, in percent with one decimal.

    >>> print(percent_table(["test", "n = 5, 8"], {"t": [(0.04999, 0.0512)]}))
    | test | n = 5, 8 |
    |---|---|
    | t | 5.0, 5.1 |
    """
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, cells in rows.items():
        texts = (", ".join(f"{100 * share:.1f}" for share in cell) for cell in cells)
        lines.append(f"| {name} | {' | '.join(texts)} |")
    return "\n".join(lines)
