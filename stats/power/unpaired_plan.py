"""What a number of scores an arm can show where the arms share no seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from scipy.optimize import brentq

from stats.errors import InvalidSetting
from stats.inputs import check_choice, check_count, check_positive
from stats.power.by_pairs import LARGEST_EFFECT
from stats.power.of_equivalence import fewest_inside, inside_power
from stats.power.planning import MOST_PAIRS, POWERS, strictest_level
from stats.power.simulated import check_detectable
from stats.power.unpaired import unpaired_power, unpaired_seeds
from stats.register import UNPAIRED_TESTS, correction_named
from stats.two_arms.primary_tests import smallest_p

#: Scores an arm on the curve, besides those that are planned.
CURVE = (3, 5, 8, 10, 15, 20, 30)


@dataclass(frozen=True)
class UnpairedPoint:
    """What n scores an arm can show.

    Attributes:
        found: probability that the test finds a difference at the planned gain.
        equivalent: probability that equivalence is shown at a true difference of 0.
    """

    n_scores: int
    found: float
    equivalent: float


@dataclass(frozen=True, kw_only=True)
class UnpairedPlan:
    """What `n_scores` scores of each of two unpaired arms can show, and what verdicts take.

    Attributes:
        sd: of the scores of an arm.
        detectable: for each of `POWERS` the smallest difference found, in points; NaN if none.
        scores_for_gain: an arm, for each of `POWERS`.
        scores_for_equivalent: the same, at a true difference of 0.
        here: the point of `n_scores`, also on the curve.
    """

    n_scores: int
    sd: float
    margin: float
    gain: float
    alpha: float
    family: int
    correction: str
    test: str
    smallest_attainable_p: float
    detectable: tuple[float, ...]
    scores_for_gain: tuple[int, ...]
    scores_for_equivalent: tuple[int, ...]
    here: UnpairedPoint
    curve: tuple[UnpairedPoint, ...]


def plan_unpaired(
    n_scores: int,
    sd: float,
    margin: float,
    *,
    gain: float | None = None,
    alpha: float = 0.05,
    family: int = 1,
    correction: str = "holm",
    test: str = "mann-whitney",
) -> UnpairedPlan:
    """What `n_scores` runs an arm can show where both arms are normal with this sd.

    Args:
        n_scores: runs that each arm would get, at least 2.
        sd: of the scores of one arm, in points of the metric; of both arms alike.
        margin: smallest difference that matters, in points.
        gain: true difference that is to be found; twice the margin unless it is named.
        alpha: level of the tests.
        family: comparisons corrected together; power is that of the strictest step.
        correction: as in `stats.adjust`.
        test: one of `register.UNPAIRED_TESTS`.

    Raises:
        InvalidSetting: a setting outside what it can be, or a gain far below the sd.

    G*Power has 64 scores an arm for d = .5 and 80 % power:

    >>> plan_unpaired(64, sd=2.0, margin=0.5, gain=1.0, test="welch").scores_for_gain[0]
    64
    """
    check_positive("sd", sd)
    check_positive("margin", margin)
    gain = 2 * margin if gain is None else gain
    check_positive("gain", gain)
    spread = math.sqrt(2) * sd
    check_detectable(gain / spread)
    check_choice("test", test, UNPAIRED_TESTS)
    check_count("n_scores", n_scores, 2)
    if n_scores > MOST_PAIRS:
        raise InvalidSetting(f"{n_scores} scores an arm: plans go to {MOST_PAIRS:,}")
    level = strictest_level(alpha, family, correction)
    equivalent = partial(_equivalent, sd=sd, margin=margin, level=level)

    def point(n: int) -> UnpairedPoint:
        return UnpairedPoint(n, unpaired_power(test, gain / spread, n, level), equivalent(n))

    curve = {n: point(n) for n in sorted({n_scores, *CURVE})}
    least = correction_named(correction).smallest(smallest_p(test, n_scores, n_scores), family)
    return UnpairedPlan(
        n_scores=n_scores,
        sd=sd,
        margin=margin,
        gain=gain,
        alpha=alpha,
        family=family,
        correction=correction,
        test=test,
        smallest_attainable_p=min(1.0, least),
        detectable=tuple(spread * _detectable(test, n_scores, p, level) for p in POWERS),
        scores_for_gain=tuple(unpaired_seeds(test, gain / spread, p, level) for p in POWERS),
        scores_for_equivalent=tuple(fewest_inside(equivalent, p) for p in POWERS),
        here=curve[n_scores],
        curve=tuple(curve.values()),
    )


def _equivalent(n: int, sd: float, margin: float, level: float) -> float:
    """Power of the two one-sided tests of two arms of n, whose Welch's df is near 2n − 2."""
    return inside_power(sd * math.sqrt(2 / n), 2 * n - 2, margin, 0.0, level)


def _detectable(test: str, n_scores: int, power: float, level: float) -> float:
    def missing(effect: float) -> float:
        return unpaired_power(test, effect, n_scores, level) - power

    if missing(LARGEST_EFFECT) < 0:
        return math.nan
    return float(brentq(missing, 0.0, LARGEST_EFFECT, xtol=1e-4, rtol=1e-4))
