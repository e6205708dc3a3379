"""The effect sizes that a comparison may show, for many comparisons at once."""

from __future__ import annotations

from stats.inputs import FloatArray
from stats.judging import Judging
from stats.register import Bounds, paired_effect, unpaired_effect


def paired_effect_rows(
    arms: FloatArray, differences: FloatArray, judging: Judging
) -> dict[str, FloatArray]:
    """The effect size that is to be shown of paired scores, with its interval.

    Args:
        arms: shape (2, m, n), baseline and candidate.
        differences: shape (m, n), settled.
        judging: whose effect is one of `register.PAIRED_EFFECTS`.

    Returns:
        Arrays of shape (m,), named as in `ComparisonResult`.
    """
    return _named(paired_effect(judging.effect).rows(arms, differences, judging.confidence))


def unpaired_effect_rows(
    baseline: FloatArray, candidate: FloatArray, judging: Judging
) -> dict[str, FloatArray]:
    """The same of arms of shape (m, n) and (m, k) that share no seeds."""
    return _named(unpaired_effect(judging.effect).rows(baseline, candidate, judging.confidence))


def _named(bounds: Bounds) -> dict[str, FloatArray]:
    return dict(zip(("effect_size", "effect_low", "effect_high"), bounds, strict=True))
