"""Tests from a printed table of mean ± sd, without the scores behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from scipy.special import stdtr

from stats.errors import InvalidSetting, NotEnoughPairs, StatsError
from stats.inputs import check_count, check_number, check_positive
from stats.printed.cells import sds_in
from stats.printed.scores import printed_number

CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True, kw_only=True)
class PrintedComparison:
    """What mean ± sd of two arms allow to be said.

    Attributes:
        difference: candidate − baseline.
        p_value: of Welch's test at the printed numbers.
        p_low: smallest p that rounding allows; `p_high` the largest.
        t: difference over its standard error, as in Welch's test, with `df` degrees of freedom.
        p_paired: two-sided p of the paired t test, if the pair correlation were each of
            `correlations`; NaN for arms of different n, which are no pairs.
        p_equivalence: of Welch's two one-sided tests against the margin; NaN without one.
    """

    difference: float
    t: float
    df: float
    p_value: float
    p_low: float
    p_high: float
    correlations: tuple[float, ...]
    p_paired: tuple[float, ...]
    p_equivalence: float


def compare_printed(
    baseline: tuple[str, str],
    candidate: tuple[str, str],
    n: int | tuple[int, int],
    *,
    margin: float | None = None,
    ddof: int = 1,
    correlations: Sequence[float] = CORRELATIONS,
    spreads: tuple[str, str] = ("sd", "sd"),
) -> PrintedComparison:
    """Welch's test from two printed means and sds, with what rounding and pairing would change.

    Runs of two arms in one table usually share their seeds, and their pair correlation is not
    printed: the p of the paired t test is given for several. p-values of a family go through
    `stats.adjust` like any others.

    Args:
        baseline: mean and sd as printed, in the same points.
        candidate: the same of the candidate.
        n: runs behind each, one number or two.
        margin: smallest difference that matters, for a test of equivalence.
        ddof: 1 if the table divides squares by n − 1, 0 if by n.
        correlations: of the pairs, each at least −1 and below 1.
        spreads: what is printed behind the ± of baseline and candidate, each one of
            `choices.SPREADS`; standard errors and halves of 95 % intervals are made sds by n.

    Raises:
        NotEnoughPairs: fewer than two runs.
        InvalidSetting: `ddof` other than 0 and 1, a correlation outside [−1, 1), a margin that is
            not positive, two sds of 0, or an unknown kind of spread.
        StatsError: a mean or sd that is no number.

    >>> found = compare_printed(("80.1", "0.8"), ("81.0", "0.9"), 5)
    >>> round(found.p_value, 3), round(found.p_low, 3), round(found.p_high, 3)
    (0.134, 0.085, 0.199)
    >>> [round(p, 3) for p in found.p_paired]
    [0.17, 0.117, 0.078, 0.039, 0.007]
    """
    sizes = _sizes(n)
    if ddof not in (0, 1):
        raise InvalidSetting(f"ddof is 0 or 1, not {ddof}")
    for each in correlations:
        check_number("a pair correlation", each)
    if outside := [each for each in correlations if not -1 <= each < 1]:
        raise InvalidSetting(f"a pair correlation lies from −1 to below 1, not {outside[0]}")
    if margin is not None:
        check_positive("margin", margin)
    arms = _arms(baseline, candidate, sizes, ddof, spreads)
    first, second = (arm.sd for arm in arms)
    if first == second == 0:
        raise InvalidSetting("both sds print as 0, and no test can be made of them")
    difference = arms[1].mean - arms[0].mean
    error, df = welch_error((first, second), sizes)
    distance = math.nan if margin is None else (margin - abs(difference)) / error
    low, high = _range(arms, sizes)
    return PrintedComparison(
        difference=difference,
        t=difference / error,
        df=df,
        p_value=_p(difference / error, df),
        p_low=low,
        p_high=high,
        correlations=tuple(correlations),
        p_paired=tuple(
            _p(difference / paired_error((first, second), sizes[0], rho), sizes[0] - 1)
            if sizes[0] == sizes[1]
            else math.nan
            for rho in correlations
        ),
        p_equivalence=math.nan if margin is None else float(stdtr(df, -distance)),
    )


def paired_p_range(
    baseline: tuple[str, str],
    candidate: tuple[str, str],
    n: int,
    correlation: float,
    *,
    ddof: int = 1,
    spread: str = "sd",
) -> tuple[float, float]:
    """Smallest and largest p of the paired t test that rounding allows, at a pair correlation.

    What is printed behind the ± is the `spread` of both arms, one of `choices.SPREADS`.

    The variance of a difference is convex in the two sds: it is largest at a corner, and smallest
    at one or where a sd is `correlation` times the other.

    Raises:
        NotEnoughPairs: fewer than two pairs.
        StatsError: a mean or sd that is no number.

    >>> low, high = paired_p_range(("80.1", "0.8"), ("81.0", "0.9"), 5, 0.5)
    >>> round(low, 3), round(high, 3)
    (0.05, 0.119)
    """
    first, second = _arms(baseline, candidate, _sizes(n), ddof, (spread, spread))
    pairs = [*product(first.ends, second.ends)]
    pairs += [(each, second.nearest(correlation * each)) for each in first.ends]
    pairs += [(first.nearest(correlation * each), each) for each in second.ends]
    errors = [paired_error(each, n, correlation) for each in pairs]
    gap, slack = abs(second.mean - first.mean), first.slack + second.slack
    nearest = max(0.0, gap - slack)
    high = _p(nearest / max(errors), n - 1) if max(errors) else float(not nearest)
    return (_p((gap + slack) / min(errors), n - 1) if min(errors) else 0.0), high


def paired_error(sds: tuple[float, float], n: int, correlation: float) -> float:
    """Standard error of the mean difference of n pairs."""
    first, second = sds
    variance = first**2 + second**2 - 2 * correlation * first * second
    return math.sqrt(max(0.0, variance) / n)


class _Arm(NamedTuple):
    """Mean and sd with what rounding leaves; sds with divisor n − 1."""

    mean: float
    slack: float
    sd: float
    ends: tuple[float, float]

    def nearest(self, sd: float) -> float:
        return min(max(sd, self.ends[0]), self.ends[1])


def _sizes(n: int | tuple[int, int]) -> tuple[int, int]:
    sizes = n if isinstance(n, tuple) and len(n) == 2 else (n, n)
    for each in sizes:
        check_count("n", each, 0)
    if min(sizes) < 2:
        raise NotEnoughPairs(f"a test needs at least two runs, not {min(sizes)}")
    return int(sizes[0]), int(sizes[1])


def _arms(
    baseline: tuple[str, str],
    candidate: tuple[str, str],
    sizes: tuple[int, int],
    ddof: int,
    spreads: tuple[str, str],
) -> list[_Arm]:
    arms = []
    for printed, n, spread in zip((baseline, candidate), sizes, spreads, strict=True):
        (mean, slack), (sd, half) = map(printed_number, _mean_and_sd(printed))
        corrected = sds_in(spread, n) * (math.sqrt(n / (n - 1)) if ddof == 0 else 1.0)
        ends = max(0.0, float(sd - half)) * corrected, float(sd + half) * corrected
        arms.append(_Arm(float(mean), float(slack), float(sd) * corrected, ends))
    return arms


def _mean_and_sd(printed: tuple[str, str]) -> tuple[str, str]:
    if not isinstance(printed, Sequence) or isinstance(printed, str) or len(printed) != 2:
        raise StatsError(f"give a printed mean and sd, not {printed}")
    mean, sd = printed
    if printed_number(sd)[0] < 0:
        raise StatsError(f"an sd is not negative, as {sd} is")
    return mean, sd


def welch_error(sds: tuple[float, float], sizes: tuple[int, int]) -> tuple[float, float]:
    """Standard error of the difference of two means, and Welch's degrees of freedom.

    >>> [round(each, 4) for each in welch_error((0.8, 0.9), (5, 5))]
    [0.5385, 7.8915]
    """
    variances = [sd**2 / n for sd, n in zip(sds, sizes, strict=True)]
    spread = sum(each**2 / (n - 1) for each, n in zip(variances, sizes, strict=True))
    return math.sqrt(sum(variances)), sum(variances) ** 2 / spread


def _p(t: float, df: float) -> float:
    return 2 * float(stdtr(df, -abs(t)))


def _range(arms: list[_Arm], sizes: tuple[int, int]) -> tuple[float, float]:
    """p at the corners that rounding allows, and 1 where it allows equal means."""
    first, second = arms
    slack = first.slack + second.slack
    difference = abs(second.mean - first.mean)
    found = []
    for shift, *spreads in product((-slack, slack), first.ends, second.ends):
        if any(spreads):
            error, df = welch_error((spreads[0], spreads[1]), sizes)
            found.append(_p(max(0.0, difference + shift) / error, df))
        else:
            found.append(0.0)
    return min(found), max(found)
