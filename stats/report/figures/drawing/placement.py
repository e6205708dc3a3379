"""Where labels go so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence


def spread_out(wanted: Sequence[float], gap: float) -> list[float]:
    """Places at least `gap` apart, in the same order, as near to those wanted as can be.

    The sum of squared moves is the least that is possible: places less their rank times the gap
    must ascend, which is isotonic regression (pool adjacent violators).

    >>> [round(place, 2) for place in spread_out([1.0, 1.1, 5.0], 1.0)]
    [0.55, 1.55, 5.0]
    >>> spread_out([3.0, 0.0], 1.0)
    [3.0, 0.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    pools: list[tuple[float, int]] = []
    for rank, i in enumerate(order):
        mean, size = wanted[i] - rank * gap, 1
        while pools and pools[-1][0] > mean:
            before, count = pools.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        pools.append((mean, size))
    levels = [mean for mean, size in pools for _ in range(size)]
    places = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        places[i] = levels[rank] + rank * gap
    return places


def swarm(values: Sequence[float], near: float) -> list[int]:
    """For each value its column, 0 in the middle, so that near ones stand side by side.

    >>> swarm([1.0, 1.0, 1.0, 5.0], 0.5)
    [0, 1, -1, 0]
    """
    columns: list[int] = []
    for i, value in enumerate(values):
        taken = {c for v, c in zip(values[:i], columns, strict=True) if abs(v - value) < near}
        outwards = (sign * step for step in range(len(values)) for sign in (1, -1))
        columns.append(next(column for column in outwards if column not in taken))
    return columns
