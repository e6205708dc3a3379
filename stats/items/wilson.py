"""The interval of a share of examples, such as one accuracy."""

from __future__ import annotations

import math

from scipy.special import ndtri

from stats.errors import InvalidSetting
from stats.inputs import check_count, check_fraction, check_number


def wilson(share: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's (1927) score interval of a share of n independent examples.

    It holds its level far better than p ± z √(p (1 − p)/n) does, near 0 and 1 too (Newcombe 1998).

    Args:
        share: of the examples, from 0 to 1; a mean over runs need be no whole count.
        n: examples, at least 1.
        confidence: between 0 and 1.

    Returns:
        Both ends.

    Raises:
        InvalidSetting: a share outside [0, 1], no examples, or a confidence outside (0, 1).

    Newcombe (1998), 81 of 263:

    >>> [round(end, 4) for end in wilson(81 / 263, 263)]
    [0.2553, 0.3662]
    """
    check_number("share", share)
    if not 0 <= share <= 1:
        raise InvalidSetting(f"share must lie from 0 to 1, not {share}")
    check_count("n", n, 1)
    check_fraction("confidence", confidence)
    z = float(ndtri((1 + confidence) / 2))
    middle = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = ((middle + side * half) / (1 + z**2 / n) for side in (-1, 1))
    return max(0.0, low), min(1.0, high)
