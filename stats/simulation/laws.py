"""Laws of paired differences, and what is true of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv, ndtr, stdtr

from stats.inputs import FloatArray

#: Numbers of pairs, or of scores of each arm, at which everything is simulated.
PAIRS = (5, 8, 20)

#: One run in ten of the candidate collapses, and loses 6 points, fifteen times the sd of a run.
RATE, LOSS, RUN_SD = 0.1, 6.0, 0.4

Draw = Callable[[np.random.Generator, tuple[int, ...]], FloatArray]

#: Laws of paired differences: light and heavy tails, many ties, a few very bad seeds, and runs that
#: collapse, whose loss the others make up for in the mean. Of the null hypotheses, the laws called
#: "mean 0" meet that of t alone, and the exponential with median 0 the sign test's alone; the
#: others meet all.
LAWS: dict[str, Draw] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "t3": lambda random, shape: random.standard_t(3, shape),
    "discrete": lambda random, shape: random.integers(-3, 4, shape).astype(np.float64),
    "exponential, mean 0": lambda random, shape: 1 - random.exponential(size=shape),
    "exponential, median 0": lambda random, shape: np.log(2) - random.exponential(size=shape),
    "collapse, mean 0": lambda random, shape: (
        math.sqrt(2) * RUN_SD * random.standard_normal(shape) + RATE * LOSS - lost(random, shape)
    ),
}


def lost(random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """What collapsed runs lose, 0 for all others."""
    return np.where(random.random(shape) < RATE, LOSS, 0.0)


@dataclass(frozen=True)
class Truth:
    """What is true of a law that is shifted up by 1, so that its mean is 1.

    Attributes:
        pseudo_median: median of the mean of two independent numbers, and of two that are not 0.
        superiority: P(D > 0) + ½ P(D = 0) of one number.
        wins: P(Y > X) + ½ P(Y = X) of one number Y and another, X, that is not shifted.
    """

    sd: float
    pseudo_median: float
    superiority: float
    wins: float


def truths() -> Mapping[str, Truth]:
    """What is true of the laws of which coverage is simulated."""
    from scipy.integrate import quad
    from scipy.stats import t

    t3_wins, _ = quad(lambda x: t.pdf(x, 3) * t.cdf(x + 1, 3), -np.inf, np.inf)
    exponential = 2 - float(gammaincinv(2.0, 0.5)) / 2
    return {
        "normal": Truth(1.0, 1.0, float(ndtr(1)), float(ndtr(math.sqrt(0.5)))),
        "t3": Truth(math.sqrt(3), 1.0, float(stdtr(3, 1.0)), float(t3_wins)),
        "discrete": Truth(2.0, 1.0, 4.5 / 7, 31 / 49),
        "exponential, mean 0": Truth(1.0, exponential, 1 - math.exp(-2), 1 - math.exp(-1) / 2),
        "collapse, mean 0": _truth_of_collapse(),
    }


def _truth_of_collapse() -> Truth:
    from scipy.optimize import brentq

    sd, centre, kept = math.sqrt(2) * RUN_SD, 1 + RATE * LOSS, 1 - RATE
    weights = np.array([kept**2, 2 * kept * RATE, RATE**2])
    centres = centre - LOSS * np.array([0.0, 0.5, 1.0])
    median = float(
        brentq(lambda x: weights @ ndtr((x - centres) / (sd / math.sqrt(2))) - 0.5, -LOSS, LOSS)
    )
    above = kept * ndtr(centre / sd) + RATE * ndtr((centre - LOSS) / sd)
    once = RATE * kept
    gains = np.array([1 - 2 * once, once, once]) @ ndtr(
        (1 + LOSS * np.array([0.0, -1.0, 1.0])) / (sd * math.sqrt(2))
    )
    return Truth(math.sqrt(sd**2 + once * LOSS**2), median, float(above), float(gains))
