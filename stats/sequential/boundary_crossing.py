"""How often repeated t tests of growing data reject a true null hypothesis, without simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln

from stats.inputs import FloatArray

#: Points at which a probability is tabled; twice as many move it by less than 1e-7.
GRID = 129

#: Angles beyond 9/√n hold less than 1e-17 of a direction's coordinate in n dimensions.
FARTHEST = 9.0

NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)


def crossing_probability(looks: Sequence[int], critical: Sequence[float]) -> float:
    """Probability that |t| of differences with mean 0 reaches its critical value at any look.

    Under the null hypothesis t depends on the direction of the vector of differences alone, and
    r = sum / √(n · sum of squares), of which t is an increasing function, is a Markov chain
    from n to n − 1: what came before is independent of what comes after, given r. The
    probability of no crossing is carried from one number of pairs to the next by one integral
    over that step, whose limits are the roots of a quadratic, so that only smooth
    functions are integrated. Differences are normal.

    Args:
        looks: numbers of pairs, rising, from 2 on.
        critical: |t| that rejects at each look; infinite for a look that cannot.

    One look is the t test itself, whose 2.5 % point at 4 degrees of freedom is 2.7764451:

    >>> round(crossing_probability([5], [2.7764451052]), 8)
    0.05
    """
    bounds = dict(zip(looks, _as_correlations(looks, critical), strict=True))
    angles = np.linspace(0, np.pi / 2, GRID)
    edge = bounds.get(2, 1.0)
    kept = np.ones(GRID)
    for n in range(3, looks[-1] + 1):
        # Beyond this r all of the previous step lies outside its bound.
        reachable = math.sqrt(edge**2 + (1 - edge**2) / n)
        new_edge = min(bounds.get(n, 1.0), reachable)
        kept = _step(n, edge, new_edge, angles, kept)
        edge = new_edge
    return 1 - _integral(looks[-1], edge, angles, kept)


def _as_correlations(looks: Sequence[int], critical: Sequence[float]) -> list[float]:
    """|r| that belongs to each critical |t|: t / √(t² + n − 1)."""
    return [
        1.0 if math.isinf(t) else t / math.sqrt(t * t + n - 1)
        for n, t in zip(looks, critical, strict=True)
    ]


def _step(n: int, edge: float, new_edge: float, angles: FloatArray, kept: FloatArray) -> FloatArray:
    """Probability of no crossing up to n − 1, given r at n = new_edge · sin(angle).

    Given r at n, the first n − 1 differences have the sum a and the spread s √(1 − w²) of which
    the previous r is made, w being a coordinate of a uniform direction in n − 1 dimensions.
    """
    r = new_edge * np.sin(angles)[:, None]
    s = np.sqrt(np.maximum(1 - r**2, 0))
    along, across = math.sqrt((n - 1) / n), math.sqrt(1 / n)
    free = 1 - edge**2
    # |previous r| < edge where leading · w² + 2 · half · w + constant < 0.
    leading = s**2 * (across**2 * free + edge**2)
    half = along * across * r * s * free
    constant = along**2 * r**2 * free - edge**2 * s**2
    root = np.sqrt(np.maximum(half**2 - leading * constant, 0))
    safe = np.where(leading > 0, leading, 1.0)
    low = np.arcsin(np.clip(np.where(leading > 0, (-half - root) / safe, -1.0), -1, 1))
    high = np.arcsin(np.clip(np.where(leading > 0, (-half + root) / safe, 1.0), -1, 1))
    farthest = min(math.pi / 2, FARTHEST / math.sqrt(n))
    low, high = np.clip(low, -farthest, farthest), np.clip(high, -farthest, farthest)
    theta = (low + high) / 2 + (high - low) / 2 * NODES
    a = along * r + across * s * np.sin(theta)
    rest = s * np.cos(theta)
    size = np.hypot(a, rest)
    previous = np.abs(a) / np.where(size > 0, size, 1.0)
    density = np.exp(_log_norm(n - 1)) * np.cos(theta) ** (n - 3)
    value = _tabled(previous / edge, angles, kept)
    return np.asarray((value * density * WEIGHTS).sum(axis=1) * (high - low)[:, 0] / 2)


def _integral(n: int, edge: float, angles: FloatArray, kept: FloatArray) -> float:
    """Mean over r at n, whose density is proportional to (1 − r²)^((n − 3)/2), inside the edge."""
    if n == 2:  # r is the cosine of a uniform angle
        return 2 / math.pi * math.asin(edge)
    high = min(math.asin(edge), FARTHEST / math.sqrt(n))
    theta = high / 2 * (NODES + 1)
    value = _tabled(np.sin(theta) / edge, angles, kept) * np.cos(theta) ** (n - 2)
    return float(np.exp(_log_norm(n)) * (value * WEIGHTS).sum() * high)


def _log_norm(n: int) -> float:
    """Log of 1 / ∫ cos^(n − 2) over (−π/2, π/2): one coordinate of a direction in n dimensions."""
    return float(gammaln(n / 2) - gammaln((n - 1) / 2) - math.log(math.pi) / 2)


def _tabled(share_of_edge: FloatArray, angles: FloatArray, kept: FloatArray) -> FloatArray:
    """The tabled probability where r is this share of its edge."""
    from scipy.interpolate import CubicSpline

    spline = CubicSpline(angles, kept)
    return np.asarray(spline(np.arcsin(np.minimum(share_of_edge, 1))), dtype=np.float64)
