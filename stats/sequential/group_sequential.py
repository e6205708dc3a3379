"""Looking at the results a few times before the end, at places fixed beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from stats.errors import InvalidSetting, NotEnoughPairs
from stats.inputs import FloatArray, check_choice, check_fraction, finite_vector, is_whole
from stats.intervals import mean_and_sd, t_bounds
from stats.sequential.boundary_crossing import crossing_probability
from stats.two_arms.student import student_rows

SHAPES = ("obrien-fleming", "pocock")


@dataclass(frozen=True)
class SequentialPlan:
    """When to look, and what stops there.

    Attributes:
        looks: numbers of pairs at which the test is made, rising.
        shape: "obrien-fleming" or "pocock".
        alpha: probability that any look rejects a true null hypothesis.
        levels: two-sided level of the t test at each look.
        critical: |t| that each look has to reach.
    """

    looks: tuple[int, ...]
    shape: str
    alpha: float
    levels: tuple[float, ...]
    critical: tuple[float, ...]


@dataclass(frozen=True)
class SequentialLook:
    """What one look says.

    Attributes:
        t: of the differences so far.
        level: two-sided level of this look.
        stops: whether the null hypothesis is rejected here.
        p_value: the smallest `alpha` of a plan of the same looks and shape that rejects here.
        low: end of the repeated confidence interval of the mean difference, at `confidence`.
    """

    n_pairs: int
    mean: float
    t: float
    level: float
    stops: bool
    p_value: float
    low: float
    high: float
    confidence: float


def sequential_plan(
    looks: Sequence[int], shape: str = "obrien-fleming", alpha: float = 0.05
) -> SequentialPlan:
    """Levels of the paired t test at several looks that reject a true null once in 1/α together.

    "pocock" gives every look the same level (Pocock 1977). "obrien-fleming" asks for the normal
    quantile c √(N/n) at look n of N, so that early looks stop for large effects alone and the
    last one is close to a test without looks (O'Brien and Fleming 1979). Normal theory puts c too
    low for t at few pairs; here it is solved for with the exact joint law of the t statistics at
    these looks, so that normal differences keep α to six digits.

    Args:
        looks: numbers of pairs at which the test is made, rising, from 2 on; the last one is the
            number of pairs of the study.
        shape: "obrien-fleming" or "pocock".
        alpha: probability that any look rejects a true null hypothesis.

    Raises:
        InvalidSetting: looks that do not rise or begin below 2, an unknown shape, or `alpha`
            outside (0, 1).

    >>> plan = sequential_plan([5, 10, 15, 20])
    >>> [round(level, 5) for level in plan.levels]
    [4e-05, 0.0039, 0.01846, 0.04128]
    >>> [round(level, 5) for level in sequential_plan([5, 10, 15, 20], "pocock").levels]
    [0.01689, 0.01689, 0.01689, 0.01689]
    """
    check_choice("shape", shape, SHAPES)
    check_fraction("alpha", alpha)
    places = tuple(looks) if isinstance(looks, Sequence) and all(map(is_whole, looks)) else ()
    if not places or places[0] < 2 or any(a >= b for a, b in pairwise(places)):
        raise InvalidSetting(f"looks are rising numbers of pairs from 2 on, not {looks}")
    scale = _solve(lambda c: crossing_probability(places, _critical(places, shape, c)), alpha)
    levels = tuple(float(level) for level in _levels(places, shape, scale))
    critical = tuple(_critical(places, shape, scale))
    return SequentialPlan(places, shape, alpha, levels, critical)


def sequential_look(differences: ArrayLike, plan: SequentialPlan) -> SequentialLook:
    """The t test at one look of the plan, with an interval that allows for all of them.

    The interval takes the critical t of this look, so that the intervals of all looks hold the
    true mean together with probability 1 − α (Jennison and Turnbull 1989): it stays valid
    whether or not one stops here, and whatever made one stop. Its estimate, the mean, is drawn
    away from zero by stopping early.

    Where all differences are equal but not zero, p is NaN and nothing stops: a spread that is seen
    as zero in a few pairs is no evidence of a spread of zero.

    Args:
        differences: shape (n,), candidate minus baseline in points, n one of the plan's looks.
        plan: made before the first look.

    Raises:
        NotEnoughPairs: n is no look of the plan.
        StatsError: a difference is not a finite number.

    >>> plan = sequential_plan([5, 10])
    >>> look = sequential_look([1.1, 0.7, 1.4, 0.9, 1.2], plan)
    >>> look.stops, round(look.p_value, 4), round(look.low, 2), round(look.high, 2)
    (True, 0.02, 0.38, 1.74)
    """
    vector = finite_vector(differences)
    if len(vector) not in plan.looks:
        held = ", ".join(map(str, plan.looks))
        raise NotEnoughPairs(f"{len(vector)} differences are no look of the plan, which has {held}")
    place = plan.looks.index(len(vector))
    mean, sd = mean_and_sd(vector[None, :])
    t = float(student_rows(mean, sd, len(vector))[0][0])
    confidence = round(1 - plan.alpha, 12)
    low, high = t_bounds(mean, sd, len(vector), 1 - plan.levels[place])
    return SequentialLook(
        n_pairs=len(vector),
        mean=float(mean[0]),
        t=t,
        level=plan.levels[place],
        stops=plan.critical[place] <= abs(t) < math.inf,
        p_value=_repeated_p(abs(t), place, plan),
        low=float(low[0]),
        high=float(high[0]),
        confidence=confidence,
    )


def _repeated_p(t: float, place: int, plan: SequentialPlan) -> float:
    n = plan.looks[place]
    if t == 0:
        return 1.0
    if math.isinf(t):
        return math.nan
    z = -float(ndtri(stdtr(n - 1, -t)))
    scale = z if plan.shape == "pocock" else z * math.sqrt(n / plan.looks[-1])
    return crossing_probability(plan.looks, _critical(plan.looks, plan.shape, scale))


def _levels(looks: tuple[int, ...], shape: str, scale: float) -> FloatArray:
    """Two-sided levels whose normal quantiles are `scale`, or rise to it backwards."""
    n = np.array(looks, dtype=np.float64)
    z = scale * (np.ones_like(n) if shape == "pocock" else np.sqrt(n[-1] / n))
    return np.asarray(2 * ndtr(-z), dtype=np.float64)


def _critical(looks: tuple[int, ...], shape: str, scale: float) -> list[float]:
    levels = _levels(looks, shape, scale)
    return [float(-stdtrit(n - 1, each / 2)) for n, each in zip(looks, levels, strict=True)]


def _solve(error: Callable[[float], float], alpha: float) -> float:
    """The scale, a normal quantile, at which a falling error rate is alpha."""
    from scipy.optimize import brentq

    least, most = 1e-6, 12.0
    if not error(most) < alpha < error(least):
        raise InvalidSetting(f"no bounds of several looks keep an alpha of {alpha}")
    return float(brentq(lambda scale: error(scale) - alpha, least, most, xtol=1e-10))
