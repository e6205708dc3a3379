"""Scores of two arms laid beside each other by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.errors import NotPaired
from stats.inputs import FloatArray
from stats.table.pairing import Seed, join_arms, lay_out_arms
from stats.verdicts.compare import ComparisonResult

if TYPE_CHECKING:
    import pandas as pd

    Scores = pd.Series[float] | Mapping[Seed, float] | ArrayLike


@dataclass(frozen=True)
class SideBySide:
    """Scores of a baseline and a candidate.

    Attributes:
        baseline: shape (seeds,), NaN where there is none.
        candidate: the same.
        paired: whether both have a score and belong together, shape (seeds,).
    """

    seeds: tuple[Seed, ...]
    baseline: FloatArray
    candidate: FloatArray
    paired: NDArray[np.bool_]

    @property
    def differences(self) -> FloatArray:
        """Candidate minus baseline of the pairs."""
        return self.candidate[self.paired] - self.baseline[self.paired]


def side_by_side(comparison: ComparisonResult, baseline: Scores, candidate: Scores) -> SideBySide:
    """Join the scores as the comparison did.

    Raises:
        NotPaired: these scores are not those of the comparison: they make another number of
            pairs.
    """
    arms = [(comparison.baseline, baseline), (comparison.candidate, candidate)]
    scores, seeds = (join_arms if comparison.paired else lay_out_arms)(arms)
    joined = np.full(scores.shape[1], comparison.paired)
    both = np.isfinite(scores).all(axis=0) & joined
    if comparison.paired and both.sum() != comparison.n_pairs:
        raise NotPaired(
            f"{comparison.baseline} and {comparison.candidate} make {both.sum()} pairs here, but "
            f"{comparison.n_pairs} in the comparison: give the scores that were compared"
        )
    return SideBySide(seeds, scores[0], scores[1], both)
