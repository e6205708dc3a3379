"""What a number of seeds can show, and how many a verdict takes, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from stats.attainable import smallest_attainable_p
from stats.equivalence.tost import tost_rows
from stats.errors import InvalidSetting
from stats.inputs import check_choice, check_count, check_fraction, check_positive
from stats.intervals import mean_and_sd
from stats.judging import Judging
from stats.power.of_equivalence import pairs_for_tost, tost_power
from stats.power.sample_size import seeds_for_test
from stats.power.simulated import (
    check_detectable,
    detectable_effect,
    fewest,
    noise,
    power_of,
)
from stats.register import CORRECTIONS, PAIRED_TESTS, correction_named, paired_test
from stats.two_arms.primary_tests import paired_test_rows, smallest_p

POWERS = (0.8, 0.9)
#: Pairs, comparisons and levels beyond which nothing is planned; they are slips of the finger.
MOST_PAIRS, MOST_COMPARED, STRICTEST = 10**6, 10**6, 1e-12
CURVE = (3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 70, 100)


@dataclass(frozen=True)
class PowerPoint:
    """What n pairs can show.

    Attributes:
        detectable: smallest true difference found with 80 % power, in points; NaN where the
            corrected test can never reject.
        better: probability of the verdict `better` at the planned gain.
        equivalent: probability of `equivalent` or `negligible` at a true difference of 0.
    """

    n_pairs: int
    detectable: float
    better: float
    equivalent: float


@dataclass(frozen=True, kw_only=True)
class PowerPlan:
    """What `n_pairs` pairs can show, and what 80 and 90 % power take.

    Attributes:
        gain: true difference at which `better` is planned, in points.
        detectable: for each of `POWERS` the smallest difference found, in points; NaN if none.
        pairs_for_better: for each of `POWERS`.
        pairs_for_equivalent: the same, at a true difference of 0.
        here: the point of `n_pairs`, also on the curve.
    """

    n_pairs: int
    sd: float
    margin: float
    gain: float
    alpha: float
    family: int
    correction: str
    test: str
    smallest_attainable_p: float
    detectable: tuple[float, ...]
    pairs_for_better: tuple[int, ...]
    pairs_for_equivalent: tuple[int, ...]
    here: PowerPoint
    curve: tuple[PowerPoint, ...]


def plan_power(
    n_pairs: int,
    sd: float,
    margin: float,
    *,
    gain: float | None = None,
    alpha: float = 0.05,
    family: int = 1,
    correction: str = "holm",
    test: str = "wilcoxon",
) -> PowerPlan:
    """What `n_pairs` seeds can show where paired differences are normal with this sd.

    Args:
        n_pairs: seeds that each arm would get, at least 2.
        sd: of the paired differences, in points of the metric.
        margin: smallest difference that matters, in points.
        gain: true difference at which the verdict `better` is planned; twice the margin unless
            it is named, for a true gain of the margin is at the edge of being negligible.
        alpha: level of the tests.
        family: comparisons corrected together, their differences and equivalence alike (see
            `adjust_claims`); power of either is that of the strictest step.
        correction: as in `stats.adjust`.
        test: one of `register.PAIRED_TESTS`.

    Raises:
        InvalidSetting: a setting outside what it can be, or a gain below a ten-thousandth of the
            sd, which would take hundreds of millions of pairs.

    >>> plan = plan_power(8, sd=0.6, margin=0.5, test="t")
    >>> [round(each, 2) for each in plan.detectable], plan.pairs_for_equivalent
    ([0.69, 0.81], (14, 18))
    """
    check_positive("sd", sd)
    check_positive("margin", margin)
    gain = 2 * margin if gain is None else gain
    check_positive("gain", gain)
    check_detectable(gain / sd)
    check_choice("test", test, PAIRED_TESTS)
    check_count("n_pairs", n_pairs, 2)
    if n_pairs > MOST_PAIRS:
        raise InvalidSetting(f"{n_pairs} pairs: plans go to {MOST_PAIRS:,}")
    level = strictest_level(alpha, family, correction)
    better = partial(better_power, gain=gain, sd=sd, margin=margin, level=level, test=test)

    def point(n: int) -> PowerPoint:
        detectable = sd * detectable_effect(test, n, alpha=level)
        return PowerPoint(n, detectable, better(n), tost_power(n, sd, margin, alpha=level))

    def pairs_for_better(power: float) -> int:
        start = seeds_for_test(gain / sd, family, power, alpha, correction, test)
        return fewest(better, power, int(start))

    curve = {n: point(n) for n in sorted({n_pairs, *_steps(n_pairs)})}
    return PowerPlan(
        n_pairs=n_pairs,
        sd=sd,
        margin=margin,
        gain=gain,
        alpha=alpha,
        family=family,
        correction=correction,
        test=test,
        smallest_attainable_p=smallest_attainable_p(n_pairs, family, correction, test),
        detectable=tuple(sd * detectable_effect(test, n_pairs, each, level) for each in POWERS),
        pairs_for_better=tuple(pairs_for_better(each) for each in POWERS),
        pairs_for_equivalent=tuple(pairs_for_tost(sd, margin, 0.0, p, level) for p in POWERS),
        here=curve[n_pairs],
        curve=tuple(curve.values()),
    )


def _steps(n_pairs: int) -> list[int]:
    """Numbers of pairs on the curve besides the one that is planned."""
    return [n for n in CURVE if n <= max(30, 2 * n_pairs)]


def strictest_level(alpha: float, family: int, correction: str = "holm") -> float:
    """Level at which the smallest p of a family is tested.

    Raises:
        InvalidSetting: `alpha` outside (0, 1), a family without members or of more than a million,
            or a level below 1e-12.

    >>> strictest_level(0.05, 5)
    0.01
    """
    check_fraction("alpha", alpha)
    check_count("family", family, 1)
    if family > MOST_COMPARED:
        raise InvalidSetting(f"a family of more than {MOST_COMPARED:,} comparisons is no plan")
    check_choice("correction", correction, CORRECTIONS)
    level = correction_named(correction).level(alpha, family)
    if level < STRICTEST:
        raise InvalidSetting(
            f"alpha {alpha:g} asks the first of {family} tests for p below {level:.3g}; "
            f"plans go to {STRICTEST:g}"
        )
    return level


def better_power(
    n_pairs: int,
    *,
    gain: float,
    sd: float,
    margin: float,
    level: float = 0.05,
    test: str = "wilcoxon",
) -> float:
    """Probability of the verdict `better` at this true gain, differences being normal.

    The test must reject at `level` in the right direction, and TOST at that level must not: what
    is real and shown to lie inside the margin is `negligible`. By 4,000 seeded simulations; beyond
    40 pairs (12 for the permutation test) and where the gain is at least the margin it is the
    power of the test alone, of which at most `level` can be negligible.

    Raises:
        InvalidSetting: a setting outside what it can be.

    >>> better_power(5, gain=1.0, sd=0.6, margin=0.5)
    0.0
    >>> 0.8 < better_power(8, gain=1.0, sd=0.6, margin=0.5) < 1
    True
    """
    for what, value in (("gain", gain), ("sd", sd), ("margin", margin)):
        check_positive(what, value)
    check_fraction("level", level)
    check_choice("test", test, PAIRED_TESTS)
    check_count("n_pairs", n_pairs, 2)
    limit = paired_test(test).simulated_up_to
    if n_pairs > limit:
        return power_of(test, gain / sd, n_pairs, level)
    if smallest_p(test, n_pairs, n_pairs) >= level:
        return 0.0
    differences = sd * noise(n_pairs) + gain
    tested = paired_test_rows(differences, Judging(test=test))
    inside = tost_rows(*mean_and_sd(differences), n_pairs, margin) < level
    better = (tested["p_value"] < level) & (tested["direction"] > 0) & ~inside
    return float(np.mean(better))
