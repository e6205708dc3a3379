"""Scores that may not be what they seem: of another unit, or of runs that failed.

Nothing is corrected here. Each function returns lines for the warnings, with the way out.
"""

from __future__ import annotations

import numpy as np

from stats.inputs import FloatArray
from stats.table.cube import Cube
from stats.table.reading.seeds import number_in

#: What programs write in place of a score that they do not have.
PLACEHOLDERS = (-1.0, 0.0, -9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0)

#: A placeholder lies so many ranges of the other scores away from the nearest of them.
FAR = 3.0

#: The same of one score of exactly 0 where all others lie above; several may be the arm.
FAR_AT_ZERO = 0.5

#: Ratio of two scores of which one may be the other in percent: 100 within a factor of about 3.
PERCENT = (30.0, 300.0)

#: The share of a scale from 0 to 1 from which on a margin is too large to be meant.
COVERED = 0.2


def remarks_on(cube: Cube) -> tuple[str, ...]:
    """Lines on arms and seeds in another unit, and on scores that mark failed runs."""
    lines = []
    for cell in range(len(cube.cells)):
        place = str(cube.cells[cell])
        found = [*_arms_in_percent(cube, cell), *_seeds_in_percent(cube, cell)]
        found += _placeholders(cube, cell)
        lines += [f"{place}: {line}" if place else line for line in found]
    return tuple(lines)


def remarks_on_seeds(cube: Cube) -> tuple[str, ...]:
    """Lines on seeds that one arm has, and another spells in another way: no pairs are made."""
    lines = []
    for cell, name in enumerate(map(str, cube.cells)):
        first = cube.present[cell, 0]
        for method in range(1, len(cube.methods)):
            other = cube.present[cell, method]
            numbers = {number_in(each): each for each in cube.named_seeds(first & ~other)}
            pairs = [
                f'"{numbers[number_in(each)]}" and "{each}"'
                for each in cube.named_seeds(other & ~first)
                if number_in(each) and number_in(each) in numbers
            ]
            if pairs:
                lines.append(
                    f"{f'{name}: ' if name else ''}seeds of {cube.methods[0]} and of "
                    f"{cube.methods[method]} are spelled apart: {listed(pairs)}; where two are one "
                    "seed, write them alike"
                )
    return tuple(lines)


def remarks_on_margin(cube: Cube, margin: float | None) -> tuple[str, ...]:
    """Lines on a margin that takes in the whole scale, so that every verdict would lie inside it.

    That is a fifth or more of scores that lie between 0 and 1, or as much as the largest score.
    """
    if margin is None:
        return ()
    covered = []
    for cell in range(len(cube.cells)):
        scores = cube.scores[cell][np.isfinite(cube.scores[cell])]
        if not len(scores):
            continue
        fractions = scores.min() >= 0 and scores.max() <= 1 and margin >= COVERED
        if fractions or 0 < np.abs(scores).max() <= margin:
            covered.append((str(cube.cells[cell]), scores.min(), scores.max()))
    if not covered:
        return ()
    names = [place for place, _, _ in covered if place]
    where = f" ({listed(names)})" if names else ""
    low, high = min(low for _, low, _ in covered), max(high for _, _, high in covered)
    return (
        f"the margin of {margin:g} covers the scale of these scores, {low:.3g} to {high:.3g}"
        f"{where}: whatever they are, they would count as alike; a percentage point is 0.01 of a "
        "fraction",
    )


def listed(names: list[str], most: int = 8) -> str:
    """Names with commas; of many the first ones and how many more there are.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _arms_in_percent(cube: Cube, cell: int) -> list[str]:
    of_arms = [scores[np.isfinite(scores)] for scores in cube.scores[cell]]
    fractions = [i for i, scores in enumerate(of_arms) if _is_fraction(scores)]
    percents = [i for i, scores in enumerate(of_arms) if _is_percent(scores)]
    alike = [
        (few, many)
        for few in fractions
        for many in percents
        if _hundredfold(float(np.median(of_arms[many]) / np.median(of_arms[few])))
    ]
    if not alike:
        return []
    few = [cube.methods[i] for i in dict.fromkeys(first for first, _ in alike)]
    many = [cube.methods[i] for i in dict.fromkeys(second for _, second in alike)]
    return [
        f"{listed(few)} may be in fractions and {listed(many)} in percent: bring them to one unit"
    ]


def _seeds_in_percent(cube: Cube, cell: int) -> list[str]:
    lines = []
    for method, scores in enumerate(cube.scores[cell]):
        known = np.flatnonzero(np.isfinite(scores))
        strange = [i for i in known if _is_of_another_unit(scores[i], scores[known[known != i]])]
        for i in strange:
            lines.append(
                f"seed {cube.seeds[i]} of {cube.methods[method]} ({scores[i]:g}) may be a "
                f"{'fraction' if scores[i] <= 1 else 'percentage'} among "
                f"{'percentages' if scores[i] <= 1 else 'fractions'}: bring it to their unit"
            )
    return lines


def _is_of_another_unit(score: float, others: FloatArray) -> bool:
    if len(others) < 2:
        return False
    if 0 < score <= 1 and _is_percent(others):
        alike = 100 * score
    elif 1 < score <= 100 and _is_fraction(others):
        alike = score / 100
    else:
        return False
    return bool(others.min() / 1.5 <= alike <= others.max() * 1.5)


def _placeholders(cube: Cube, cell: int) -> list[str]:
    every = cube.scores[cell]
    lines = []
    for value in PLACEHOLDERS:
        held = every == value
        others = every[np.isfinite(every) & ~np.isin(every, PLACEHOLDERS)]
        if not held.any() or len(others) < max(3, held.sum()):
            continue
        away = np.abs(others - value).min()
        if others.min() < value < others.max():
            continue
        impossible = value < 0 <= others.min()  # beside scores none of which is below 0
        far = FAR_AT_ZERO if value == 0 < others.min() and held.sum() == 1 else FAR
        if not impossible and away <= far * np.ptp(others):
            continue
        for method in np.flatnonzero(held.any(axis=1)).tolist():
            seeds = [str(cube.seeds[seed]) for seed in np.flatnonzero(held[method])]
            lines.append(
                f"{cube.methods[method]} scores exactly {value:g} on seed{'s' * (len(seeds) > 1)} "
                f"{listed(seeds)}, far from all others: if that marks a failed run, leave the "
                "score empty"
            )
    return lines


def _is_fraction(scores: FloatArray) -> bool:
    return bool(len(scores) and scores.min() > 0 and scores.max() <= 1)


def _is_percent(scores: FloatArray) -> bool:
    return bool(len(scores) and scores.min() > 1 and scores.max() <= 100)


def _hundredfold(ratio: float) -> bool:
    return PERCENT[0] <= ratio <= PERCENT[1]
