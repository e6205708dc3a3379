"""Many arms ranked over shared blocks, with the groups that cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stats.blocks import Blocks, complete_blocks
from stats.friedman import friedman, rank_blocks
from stats.hodges_lehmann import hodges_lehmann_rows
from stats.inputs import FloatArray
from stats.mean_rank_tests import all_pairs, conover, nemenyi
from stats.power import seeds_needed_for_alpha, smallest_attainable_p
from stats.ranking import RankedPair, Ranking, RankSettings
from stats.selection import Selection, select_arms
from stats.shaffer import adjust_all_pairs
from stats.signed_rank import signed_rank_rows, two_sided
from stats.ties import noise_scale, settle

if TYPE_CHECKING:
    import pandas as pd

WALSH_AT_ONCE = 1 << 22
"""Walsh averages held at a time: 32 MB."""


def rank(
    scores: pd.DataFrame,
    methods: Sequence[str] | None = None,
    *,
    study: str = "",
    blocks: str = "task",
    paired: bool = True,
    post_hoc: str = "wilcoxon",
    correction: str = "holm",
    metric: str | None = None,
    split: str = "test",
    alpha: float = 0.05,
    resolution: float | None = None,
    zeros: str = "wilcox",
    lower_is_better: bool | None = None,
) -> Ranking:
    """Rank methods over blocks that they share, and say which are inseparable.

    Friedman's test asks whether any differ; the pairs are tested whatever it answers, because
    Holm's and Shaffer's corrections hold the family-wise error on their own. Two methods are
    tested two-sided like any other number.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        methods: which; all of the scores where none are named.
        study: a name for the output.
        blocks: "task" averages over the seeds of a task and asks about other tasks like these.
            "seed" takes every seed of every task as a block of its own, and asks about other
            seeds on these tasks; runs of one task are alike, so that it is no answer about tasks.
            "average" takes every seed as a block, averaged over tasks, for these very tasks.
        paired: whether methods share seeds; if not, each is averaged over its own runs of a task.
        post_hoc: "wilcoxon", exact and pairwise; "nemenyi" or "conover", by mean ranks, which
            depend on the other methods in the pool.
        correction: of the pairwise p-values, one of `stats.ALL_PAIRS_CORRECTIONS`.
        metric: which metric; may be left out where the scores hold one for each task.
        split: which split; without meaning where the scores name none.
        alpha: level of the family of all pairs.
        resolution: smallest step of the scores of a block; means over seeds have a finer one.
        zeros: what the signed-rank test does with zero differences.
        lower_is_better: whether the metric is a loss; None knows the usual losses by name.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: a setting outside what it can be.
        NotEnoughPairs: one method, or fewer than two blocks in which all methods have a score.
    """
    settings = RankSettings(
        blocks=blocks,
        paired=paired,
        post_hoc=post_hoc,
        correction=correction,
        alpha=alpha,
        resolution=resolution,
        zeros=zeros,
    )
    selection = select_arms(scores, methods, metric, split, lower_is_better)
    return _ranked(study, selection, complete_blocks(selection, blocks, paired), settings)


def _ranked(study: str, selection: Selection, blocks: Blocks, settings: RankSettings) -> Ranking:
    lower = selection.lower_is_better
    ranks = rank_blocks(blocks.scores, settings.resolution, lower).mean(axis=0)
    order = np.argsort(ranks, kind="stable")
    names = [selection.cube.methods[arm] for arm in order]
    ordered = blocks.scores[:, order]
    pairs, critical_difference = _pairs(names, ordered, settings, lower)
    better = _shown_better(names, pairs, settings, lower)
    model, init, task = (
        "" if len(names_of) > 1 else names_of.pop()
        for names_of in map(set, zip(*selection.cube.cells, strict=True))
    )
    return Ranking(
        study=study,
        model=model,
        init=init,
        task=task,
        methods=tuple(names),
        mean_ranks=tuple(ranks[order].tolist()),
        mean_scores=tuple(ordered.mean(axis=0).tolist()),
        rank_low=tuple((1 + better.sum(axis=0)).tolist()),
        rank_high=tuple((len(names) - better.sum(axis=1)).tolist()),
        groups=tuple(tuple(names[a:b]) for a, b in inseparable_runs(better | better.T)),
        pairs=pairs,
        friedman=friedman(ordered, resolution=settings.resolution, lower_is_better=lower),
        critical_difference=critical_difference,
        blocks=blocks.names,
        metric=selection.metric,
        split=selection.split,
        lower_is_better=lower,
        settings=settings,
        warnings=(*blocks.warnings, *_caveats(selection, len(ordered), settings)),
    )


def pairwise_signed_rank(
    scores: FloatArray, resolution: float | None = None, zeros: str = "wilcox"
) -> tuple[FloatArray, FloatArray]:
    """Exact two-sided signed-rank tests of every pair of columns.

    Args:
        scores: shape (n, k): n blocks of k arms.
        resolution: smallest step of the metric.
        zeros: what is done with zero differences.

    Returns:
        The p-values and the Hodges–Lehmann estimates of first minus second, each of the shape
        (k(k − 1)/2,), in the order of `stats.mean_rank_tests.all_pairs`.
    """
    first, second = all_pairs(scores.shape[1]).T
    p_values, estimates = np.empty(len(first)), np.empty(len(first))
    n_blocks = len(scores)
    at_once = max(1, WALSH_AT_ONCE // (n_blocks * (n_blocks + 1) // 2))
    for start in range(0, len(first), at_once):
        rows = slice(start, start + at_once)
        both = scores.T[first[rows]], scores.T[second[rows]]
        scale = noise_scale(np.array(both), axis=(0, 2))[:, None]
        differences = settle(both[0] - both[1], scale, resolution)
        _, greater, less = signed_rank_rows(differences, zeros)
        p_values[rows] = two_sided(greater, less)
        estimates[rows] = hodges_lehmann_rows(differences)[0]
    return p_values, estimates


def inseparable_runs(apart: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Largest runs [a, b) of neighbours of which no two are apart, best first.

    >>> apart = np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool)
    >>> inseparable_runs(apart)
    [(0, 2), (1, 3)]
    """
    runs: list[tuple[int, int]] = []
    for start in range(len(apart)):
        end = start + 1
        while end < len(apart) and not apart[start:end, end].any():
            end += 1
        if not runs or end > runs[-1][1]:
            runs.append((start, end))
    return runs


def _pairs(
    names: Sequence[str], scores: FloatArray, settings: RankSettings, lower: bool
) -> tuple[tuple[RankedPair, ...], float | None]:
    p_values, estimates = pairwise_signed_rank(scores, settings.resolution, settings.zeros)
    critical_difference = None
    if settings.post_hoc == "wilcoxon":
        p_adjusted = adjust_all_pairs(p_values, len(names), settings.correction)
    else:
        test = {"nemenyi": nemenyi, "conover": conover}[settings.post_hoc](
            scores, alpha=settings.alpha, resolution=settings.resolution, lower_is_better=lower
        )
        p_values = p_adjusted = np.array(test.p_values)
        critical_difference = test.critical_difference
    columns = (estimates.tolist(), p_values.tolist(), p_adjusted.tolist())
    pairs = tuple(
        RankedPair(
            first=names[a],
            second=names[b],
            hodges_lehmann=estimate,
            p_value=p,
            p_adjusted=adjusted,
            separable=adjusted < settings.alpha,
        )
        for (a, b), estimate, p, adjusted in zip(
            all_pairs(len(names)).tolist(), *columns, strict=True
        )
    )
    return pairs, critical_difference


def _shown_better(
    names: Sequence[str], pairs: Sequence[RankedPair], settings: RankSettings, lower: bool
) -> NDArray[np.bool_]:
    """[i, j] where i is shown to be better than j, in the direction in which its test rejects."""
    better = np.zeros((len(names), len(names)), dtype=np.bool_)
    for (first, second), pair in zip(all_pairs(len(names)).tolist(), pairs, strict=True):
        turned = settings.post_hoc == "wilcoxon" and (pair.hodges_lehmann > 0) == lower
        winner, loser = (second, first) if turned else (first, second)
        better[winner, loser] = pair.separable
    return better


def _caveats(selection: Selection, n_blocks: int, settings: RankSettings) -> list[str]:
    lines = []
    n_pairs = len(selection.cube.methods) * (len(selection.cube.methods) - 1) // 2
    stepwise = "holm" if settings.correction == "shaffer" else settings.correction
    smallest = smallest_attainable_p(n_blocks, n_pairs, stepwise)
    if settings.post_hoc == "wilcoxon" and smallest >= settings.alpha:
        needed = seeds_needed_for_alpha(settings.alpha, n_pairs, stepwise)
        lines.append(
            f"{n_blocks} blocks and {n_pairs} pairs can never reach p < {settings.alpha:g}: the "
            f"smallest corrected p is {smallest:.3g}; {needed} blocks are enough"
        )
    cells = selection.cube.cells
    if settings.blocks == "seed" and len(cells) > 1:
        lines.append(
            f"seeds of {len(cells)} tasks are ranked as if independent, which holds for other "
            "seeds of these tasks at best; rank by task to speak of tasks"
        )
    if settings.blocks == "average" and len({cell[:2] for cell in cells}) > 1:
        lines.append("a seed is averaged over models and inits as over tasks")
    elif len({cell[:2] for cell in cells}) > 1:
        lines.append("blocks of several models and inits on the same task are not independent")
    return lines
