"""Pairs are joined on the seed, never on the order of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stats.errors import NotPaired, StatsError
from stats.inputs import LARGEST, FloatArray, IntArray, as_floats

if TYPE_CHECKING:
    import pandas as pd

Seed = int | str


def join_arms(arms: Sequence[tuple[str, Any]]) -> tuple[FloatArray, tuple[Seed, ...]]:
    """Scores of several arms over all of their seeds.

    Args:
        arms: names and scores. Series and mappings are joined on their index or keys; plain
            arrays are taken to be in the same order of seeds, and numbered from 0.

    Returns:
        Scores of shape (arms, seeds), NaN where an arm has none, and the seeds.

    Raises:
        NotPaired: arrays of different length, or some arms with seeds and others without.
        StatsError: a seed twice in one arm, or a score that is infinite or not a number.
    """
    import pandas as pd

    with_seeds = [isinstance(scores, (pd.Series, Mapping)) for _, scores in arms]
    if any(with_seeds) and not all(with_seeds):
        raise NotPaired("give every arm as a Series or mapping by seed, or every arm as an array")
    vectors = [_numbers(name, scores) for name, scores in arms]
    if all(with_seeds):
        _check_seeds_once(arms, vectors)
        joined = pd.concat(vectors, axis=1, sort=False)
        return joined.to_numpy().T, tuple(joined.index.tolist())
    if len({len(vector) for vector in vectors}) > 1:
        lengths = ", ".join(f"{name} {len(v)}" for (name, _), v in zip(arms, vectors, strict=True))
        raise NotPaired(f"arms differ in length ({lengths}); pair them by seed, as Series")
    return np.array(vectors), tuple(range(len(vectors[0])))


def lay_out_arms(arms: Sequence[tuple[str, Any]]) -> tuple[FloatArray, tuple[Seed, ...]]:
    """Scores of unpaired arms, which as arrays may differ in length and have no seeds.

    Args:
        arms: names and scores, as for `join_arms`.

    Returns:
        Scores of shape (arms, places), NaN where an arm has none, and the seeds; () for arrays.

    Raises:
        NotPaired: some arms with seeds and others without.
        StatsError: as for `join_arms`.
    """
    import pandas as pd

    if any(isinstance(scores, (pd.Series, Mapping)) for _, scores in arms):
        return join_arms(arms)
    vectors = [_numbers(name, scores).to_numpy() for name, scores in arms]
    laid_out = np.full((len(arms), max(map(len, vectors))), np.nan)
    for row, vector in zip(laid_out, vectors, strict=True):
        row[: len(vector)] = vector
    return laid_out, ()


def _check_seeds_once(arms: Sequence[tuple[str, Any]], columns: list[pd.Series[float]]) -> None:
    for (name, _), column in zip(arms, columns, strict=True):
        twice = column.index[column.index.duplicated()]
        if len(twice):
            raise StatsError(f"{name} has seed {twice[0]} twice")


def _numbers(name: str, scores: Any) -> pd.Series[float]:
    import pandas as pd

    by_seed = isinstance(scores, (pd.Series, Mapping))
    given = pd.Series(scores) if by_seed else scores
    values = as_floats(given, f"scores of {name}")
    if values.ndim != 1:
        raise StatsError(f"scores of {name} must be a row of numbers, not of shape {values.shape}")
    if (np.abs(values) >= LARGEST).any():
        raise StatsError(f"scores of {name} must be finite, or NaN for a failed seed")
    return pd.Series(values, index=given.index if by_seed else None)


def measure_pairs(
    arms: FloatArray, measure: Callable[[FloatArray, IntArray], dict[str, FloatArray]]
) -> tuple[dict[str, FloatArray], IntArray]:
    """Measure many comparisons at once, each over the seeds that all of its arms have.

    Args:
        arms: shape (k, m, seeds): k arms of m comparisons, NaN where an arm has no score.
        measure: from complete scores of shape (k, m', n), and the places of these m' comparisons
            among the m, to named arrays of shape (m',).

    Returns:
        The named arrays, of shape (m,), NaN without a pair; and the number of pairs of each.
    """
    valid = np.logical_and.reduce(np.isfinite(arms))
    n_pairs = valid.sum(axis=1)
    measures: dict[str, FloatArray] = {}
    for n in np.unique(n_pairs[n_pairs > 0]):
        rows = np.flatnonzero(n_pairs == n)
        complete = arms[:, rows][:, valid[rows]].reshape(len(arms), len(rows), n)
        for name, values in measure(complete, rows).items():
            measures.setdefault(name, np.full(len(n_pairs), np.nan))[rows] = values
    return measures, n_pairs
