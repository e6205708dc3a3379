"""One interval for both sources of chance: the seeds and the items of the test set."""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from stats.inputs import check_fraction, finite_table


@dataclass(frozen=True, slots=True)
class SeedsAndItems:
    """A mean difference with the spread over seeds and over test items together.

    Attributes:
        error: standard error over new seeds and new items.
        seed_error: its part from seeds alone, which an interval over seeds shows.
        item_error: its part from items alone, which an interval over seeds leaves out.
        df: of t, by Satterthwaite's approximation.
        p_value: NaN where all differences are equal but not zero, as of `stats.welch`.
    """

    difference: float
    error: float
    seed_error: float
    item_error: float
    df: float
    low: float
    high: float
    confidence: float
    p_value: float
    n_seeds: int
    n_items: int


def seeds_and_items(differences: ArrayLike, *, confidence: float = 0.95) -> SeedsAndItems:
    """Interval of a mean difference over new seeds and new test items at once.

    Seeds and items are crossed random effects: every seed is tested on the same items. From the
    mean squares of the two-way analysis of variance (Searle 1971) the variance of the mean is
    (MS_seeds + MS_items − MS_rest) / (S N), with degrees of freedom by Satterthwaite's formula.
    It is never taken below MS_seeds/(S N) or MS_items/(S N), its parts alone. For metrics that
    are means over items, such as accuracy; for others bootstrap the items of one seed at a time.

    Args:
        differences: shape (seeds, items): candidate − baseline on each item, so −1, 0 or 1 for
            whether it was right. Several tasks need a call each.
        confidence: of the interval.

    Raises:
        StatsError: not a table of finite numbers.
        NotEnoughPairs: fewer than two seeds or two items.
        InvalidSetting: confidence outside (0, 1).

    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> table = random.normal(size=(5, 1)) * 0.02 + random.normal(size=(1, 400)) + 0.1
    >>> result = seeds_and_items(table + random.normal(size=(5, 400)))
    >>> result.item_error > result.seed_error
    True
    """
    check_fraction("confidence", confidence)
    table = finite_table(differences, ("seed", "item"), "differences")
    n_seeds, n_items = table.shape
    by_seed, by_item, mean = table.mean(axis=1), table.mean(axis=0), float(table.mean())
    size, dfs = table.size, (n_seeds - 1, n_items - 1, (n_seeds - 1) * (n_items - 1))
    ms_seed = n_items * float(by_seed.var(ddof=1))
    ms_item = n_seeds * float(by_item.var(ddof=1))
    rest = table - by_seed[:, None] - by_item + mean
    ms_rest = float((rest**2).sum()) / dfs[2]
    total = max(ms_seed + ms_item - ms_rest, ms_seed, ms_item)
    parts = sum(ms**2 / df for ms, df in zip((ms_seed, ms_item, ms_rest), dfs, strict=True))
    df = max(1.0, min(float(total**2 / parts), float(max(dfs[:2])))) if parts > 0 else 1.0
    error = math.sqrt(total / size)
    half_width = float(stdtrit(df, (1 + confidence) / 2)) * error
    unknown = 1.0 if mean == 0 else math.nan
    return SeedsAndItems(
        difference=mean,
        error=error,
        seed_error=math.sqrt(ms_seed / size),
        item_error=math.sqrt(ms_item / size),
        df=df,
        low=mean - half_width,
        high=mean + half_width,
        confidence=confidence,
        p_value=2 * float(stdtr(df, -abs(mean) / error)) if error > 0 else unknown,
        n_seeds=n_seeds,
        n_items=n_items,
    )
