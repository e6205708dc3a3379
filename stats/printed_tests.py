"""Tests from a printed table of mean ± sd, without the scores behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import stdtr

from stats.errors import InvalidSetting, NotEnoughPairs, StatsError
from stats.inputs import check_count, check_number, check_positive
from stats.printed_scores import printed_number

CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedComparison:
    """What mean ± sd of two arms allow to be said.

    Attributes:
        difference: candidate − baseline.
        p_value: of Welch's test at the printed numbers.
        p_low: smallest p that rounding allows; `p_high` the largest.
        p_paired: two-sided p of the paired t test, if the pair correlation were each of
            `correlations`.
        p_equivalence: of Welch's two one-sided tests against the margin; NaN without one.
    """

    difference: float
    p_value: float
    p_low: float
    p_high: float
    correlations: tuple[float, ...]
    p_paired: tuple[float, ...]
    p_equivalence: float


def compare_printed(
    baseline: tuple[str, str],
    candidate: tuple[str, str],
    n: int,
    *,
    margin: float | None = None,
    ddof: int = 1,
    correlations: Sequence[float] = CORRELATIONS,
) -> PrintedComparison:
    """Welch's test from two printed means and sds, with what rounding and pairing would change.

    Runs of two arms in one table usually share their seeds, and their pair correlation is not
    printed: the p of the paired t test is given for several. p-values of a family go through
    `stats.adjust` like any others.

    Args:
        baseline: mean and sd as printed, in the same points.
        candidate: the same of the candidate.
        n: runs behind each.
        margin: smallest difference that matters, for a test of equivalence.
        ddof: 1 if the table divides squares by n − 1, 0 if by n.
        correlations: of the pairs, each at least −1 and below 1.

    Raises:
        NotEnoughPairs: fewer than two runs.
        InvalidSetting: `ddof` other than 0 and 1, a correlation outside [−1, 1), a margin that is
            not positive, or two sds of 0.
        StatsError: a mean or sd that is no number.

    >>> found = compare_printed(("80.1", "0.8"), ("81.0", "0.9"), 5)
    >>> round(found.p_value, 3), round(found.p_low, 3), round(found.p_high, 3)
    (0.134, 0.085, 0.199)
    >>> [round(p, 3) for p in found.p_paired]
    [0.17, 0.117, 0.078, 0.039, 0.007]
    """
    check_count("n", n, 0)
    if n < 2:
        raise NotEnoughPairs(f"a test needs at least two runs, not {n}")
    if ddof not in (0, 1):
        raise InvalidSetting(f"ddof is 0 or 1, not {ddof}")
    for each in correlations:
        check_number("a pair correlation", each)
    if outside := [each for each in correlations if not -1 <= each < 1]:
        raise InvalidSetting(f"a pair correlation lies from −1 to below 1, not {outside[0]}")
    if margin is not None:
        check_positive("margin", margin)
    means, sds = (
        [(float(value), float(half)) for value, half in map(printed_number, each)]
        for each in zip(_mean_and_sd(baseline), _mean_and_sd(candidate), strict=True)
    )
    corrected = math.sqrt(n / (n - 1)) if ddof == 0 else 1.0
    first, second = (corrected * sd for sd, _ in sds)
    if first == second == 0:
        raise InvalidSetting("both sds print as 0, and no test can be made of them")
    difference = means[1][0] - means[0][0]
    error, df = _welch(first, second, n)
    distance = math.nan if margin is None else (margin - abs(difference)) / error
    return PrintedComparison(
        difference=difference,
        p_value=_p(difference / error, df),
        **_range(means, sds, corrected, n),
        correlations=tuple(correlations),
        p_paired=tuple(
            _p(difference / math.sqrt((first**2 + second**2 - 2 * rho * first * second) / n), n - 1)
            for rho in correlations
        ),
        p_equivalence=math.nan if margin is None else float(stdtr(df, -distance)),
    )


def attainable_p_values(n_pairs: int) -> tuple[float, ...]:
    """Every two-sided p that the exact signed-rank test can give to n pairs without ties or zeros.

    A printed p that is not among them was not made by this test on n pairs.

    Raises:
        InvalidSetting: fewer than one pair.

    >>> attainable_p_values(3)
    (0.25, 0.5, 0.75, 1.0)
    """
    from stats.signed_rank import null_distribution

    check_count("n_pairs", n_pairs, 1)
    tails = 2 * null_distribution(tuple(range(1, n_pairs + 1)))
    return tuple(np.unique(np.minimum(tails, 1.0)).tolist())


def _mean_and_sd(printed: tuple[str, str]) -> tuple[str, str]:
    if not isinstance(printed, Sequence) or isinstance(printed, str) or len(printed) != 2:
        raise StatsError(f"give a printed mean and sd, not {printed}")
    mean, sd = printed
    if printed_number(sd)[0] < 0:
        raise StatsError(f"an sd is not negative, as {sd} is")
    return mean, sd


def _welch(first: float, second: float, n: int) -> tuple[float, float]:
    variances = first**2 / n, second**2 / n
    total = sum(variances)
    return math.sqrt(total), total**2 / sum(each**2 / (n - 1) for each in variances)


def _p(t: float, df: float) -> float:
    return 2 * float(stdtr(df, -abs(t)))


def _range(
    means: list[tuple[float, float]], sds: list[tuple[float, float]], corrected: float, n: int
) -> dict[str, float]:
    """p at the corners that rounding allows, and 1 where it allows equal means."""
    slack = means[0][1] + means[1][1]
    difference = abs(means[1][0] - means[0][0])
    found = []
    for shift, *signs in product((-1, 1), repeat=3):
        spreads = [
            corrected * max(0.0, sd + sign * half)
            for (sd, half), sign in zip(sds, signs, strict=True)
        ]
        if any(spreads):
            error, df = _welch(spreads[0], spreads[1], n)
            found.append(_p(max(0.0, difference + shift * slack) / error, df))
        else:
            found.append(0.0)
    return {"p_low": min(found), "p_high": max(found)}
