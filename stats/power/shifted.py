"""Power of exact paired tests from the shift at which each simulated sample begins to reject.

A sample of normal differences is its mean and its residuals, which are independent. For given
residuals the exact test rejects beyond one value of the mean, so that only the residuals need be
simulated, and the mean is integrated out (Rao and Blackwell). What the t test would do on the same
residuals is known exactly, and takes most of the rest of the error away as a control variate.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, stdtrit

from stats.inputs import FloatArray
from stats.register import Shifts
from stats.two_arms.student import paired_t_power

#: Averages that are computed for a number of pairs, 32 MB.
AVERAGES = 1 << 22

#: Samples; the standard error of a power of .8 is then about 0.1 points or less at any n.
FEWEST, MOST = 2_000, 64_000


def power_by_shifts(
    test: Shifts, effect: float, n_pairs: int, alpha: float, *, seed: int = 20220
) -> float:
    """Power of a test for normal differences, two-sided.

    Args:
        test: how it answers when differences are shifted, as the register has it.
        effect: mean difference over the sd of the differences.
        n_pairs: number of pairs; of the permutation test at most 20, whose subsets are counted.
        alpha: level of the test.
        seed: of the residuals.

    >>> from stats.register import paired_test
    >>> shifts = paired_test("wilcoxon").shifts
    >>> assert shifts is not None
    >>> round(power_by_shifts(shifts, 1.2, 8, 0.05), 3)
    0.768
    """
    shifts, controls, level = _shifts(test, n_pairs, alpha, seed)
    if not level:
        return 0.0
    root = math.sqrt(n_pairs)

    def rejected(beyond: FloatArray) -> float:
        above, below = ndtr(root * (effect - beyond)), ndtr(root * (-effect - beyond))
        return float(np.mean(above + below))

    exact = float(paired_t_power(effect, n_pairs, level))
    return min(1.0, max(0.0, rejected(shifts) - rejected(controls) + exact))


@lru_cache(maxsize=64)
def _shifts(
    test: Shifts, n_pairs: int, alpha: float, seed: int
) -> tuple[FloatArray, FloatArray, float]:
    """Means beyond which each sample is rejected, those of t at the same level, and that level."""
    rank, level = test.rank(n_pairs, alpha)
    if not level:
        return np.array([]), np.array([]), 0.0
    count = test.count(n_pairs)
    samples = min(MOST, max(FEWEST, AVERAGES // count))
    noise = np.random.default_rng([n_pairs, seed]).standard_normal((samples, n_pairs))
    residuals = noise - noise.mean(axis=1, keepdims=True)
    parts = np.array_split(residuals, max(1, samples * count // AVERAGES))
    shifts = [-np.partition(test.averages(part), rank - 1, axis=1)[:, rank - 1] for part in parts]
    critical = -float(stdtrit(n_pairs - 1, level / 2))
    controls = critical * residuals.std(axis=1, ddof=1) / math.sqrt(n_pairs)
    return np.concatenate(shifts), controls, level
