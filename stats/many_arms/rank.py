"""Many arms ranked over shared blocks, with the groups that cannot be told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stats.inputs import FloatArray
from stats.judging import ByTask, Judging
from stats.many_arms.blocks import Blocks, complete_blocks
from stats.many_arms.friedman import friedman
from stats.many_arms.mean_rank_tests import conover, nemenyi
from stats.many_arms.pairwise import blocks_needed, pairwise_tests, smallest_corrected_p
from stats.many_arms.ranked_arms import RankedPair, Ranking, RankSettings
from stats.many_arms.shaffer import adjust_all_pairs
from stats.multiplicity import all_pairs
from stats.register import PAIRED_TESTS, paired_test
from stats.table.selection import Selection, select_arms
from stats.ties import check_step, rank_blocks

if TYPE_CHECKING:
    import pandas as pd


def rank(
    scores: pd.DataFrame,
    methods: Sequence[str] | None = None,
    judging: Judging | None = None,
    *,
    blocks: str = "task",
    post_hoc: str = "",
    correction: str = "",
    study: str = "",
) -> Ranking:
    """Rank methods over blocks that they share, and say which are inseparable.

    Friedman's test asks whether any differ; the pairs are tested whatever it answers, because
    Holm's and Shaffer's corrections hold the family-wise error on their own. Two methods are
    tested two-sided like any other number.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        methods: which; all of the scores where none are named.
        judging: how; None for `Judging()`. A resolution is that of the scores of a block; means
            over seeds have a finer one. A `scale` is relative to all methods.
        blocks: "task" averages over the seeds of a task and asks about other tasks like these.
            "seed" takes every seed of every task as a block of its own, and asks about other
            seeds on these tasks; runs of one task are alike, so that it is no answer about tasks.
            "average" takes every seed as a block, averaged over tasks, for these very tasks.
        post_hoc: of every pair, by a test of pairs, as `stats.analyse` takes them; or "nemenyi"
            or "conover", by mean ranks, which depend on the other methods in the pool. "" is the
            test of `judging`, or where that is of unpaired arms the first test of pairs.
        correction: of the pairwise p-values, one of `many_arms.shaffer.all_pairs_corrections`;
            "" is that of `judging`.
        study: a name for the output.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: a setting outside what it can be.
        NotEnoughPairs: one method, or fewer than two blocks in which all methods have a score.
    """
    judging = judging or Judging()
    post_hoc = post_hoc or judging.of_averages(lower_is_better=False).test
    pooling = blocks == "average" or _by_size(post_hoc)
    selection = select_arms(scores, methods, judging, pooling=pooling)
    settings = RankSettings(
        blocks=blocks,
        paired=judging.paired,
        post_hoc=post_hoc,
        correction=correction or judging.correction,
        alpha=judging.alpha,
        resolution=_step(judging.resolution, blocks, [cell.task for cell in selection.cube.cells]),
        zeros=judging.zeros,
    )
    return _ranked(study, selection, complete_blocks(selection, blocks, judging.paired), settings)


def _by_size(post_hoc: str) -> bool:
    """Whether it goes by the size of differences; tests of ranks within a block do not."""
    return post_hoc in PAIRED_TESTS and paired_test(post_hoc).by_size


def _step(resolution: ByTask, blocks: str, tasks: Sequence[str]) -> float | None:
    """Of the scores of a block; averages over the runs of a test set have a finer one than it."""
    if not isinstance(resolution, Mapping):
        return resolution
    return resolution.get(tasks[0]) if blocks == "seed" and len(set(tasks)) == 1 else None


def _ranked(study: str, selection: Selection, blocks: Blocks, settings: RankSettings) -> Ranking:
    lower = selection.lower_is_better
    check_step(blocks.scores, settings.resolution)
    ranks = rank_blocks(blocks.scores, settings.resolution, lower).mean(axis=0)
    order = np.argsort(ranks, kind="stable")
    names = [selection.cube.methods[arm] for arm in order]
    ordered = blocks.scores[:, order]
    pairs, better, critical_difference = _pairs(names, ordered, settings, lower)
    out_of_reach = _never_decided(len(names), len(ordered), settings)
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
        smallest_attainable_p_adjusted=_attainable(len(names), len(ordered), settings),
        seeds_dropped=blocks.seeds_dropped,
        out_of_reach=out_of_reach,
        warnings=(*blocks.warnings, *_caveats(selection, out_of_reach, settings)),
    )


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
) -> tuple[tuple[RankedPair, ...], NDArray[np.bool_], float | None]:
    """Every pair, where [i, j] i is shown to be better than j, and the critical difference."""
    by_pairs = settings.post_hoc in PAIRED_TESTS
    test = settings.post_hoc if by_pairs else PAIRED_TESTS[0]
    columns = pairwise_tests(scores, test, settings.resolution, settings.zeros)
    direction = columns.pop("direction")
    critical_difference = None
    if by_pairs:
        adjusted = adjust_all_pairs(columns["p_value"], len(names), settings.correction)
    else:
        by_mean_ranks = {"nemenyi": nemenyi, "conover": conover}[settings.post_hoc](
            scores, alpha=settings.alpha, resolution=settings.resolution, lower_is_better=lower
        )
        columns["p_value"] = np.array(by_mean_ranks.p_values)
        adjusted = np.array(by_mean_ranks.p_adjusted)
        direction = np.full(len(adjusted), -1.0 if lower else 1.0)  # the first has the better rank
        if by_mean_ranks.critical_difference > 0:
            critical_difference = by_mean_ranks.critical_difference
    columns["p_adjusted"] = adjusted
    places = all_pairs(len(names)).tolist()
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    pairs = tuple(
        RankedPair(
            first=names[a],
            second=names[b],
            **dict(zip(columns, row, strict=True)),
            separable=row[-1] < settings.alpha,
        )
        for (a, b), row in zip(places, rows, strict=True)
    )
    return pairs, _shown_better(len(names), pairs, direction, lower), critical_difference


def _shown_better(
    n_arms: int, pairs: Sequence[RankedPair], direction: FloatArray, lower: bool
) -> NDArray[np.bool_]:
    """[i, j] where i is shown to be better than j, in the direction in which its test rejects."""
    better = np.zeros((n_arms, n_arms), dtype=np.bool_)
    places = all_pairs(n_arms).tolist()
    for (first, second), pair, sign in zip(places, pairs, direction.tolist(), strict=True):
        turned = (sign > 0) == lower
        winner, loser = (second, first) if turned else (first, second)
        better[winner, loser] = pair.separable
    return better


def _caveats(selection: Selection, out_of_reach: str, settings: RankSettings) -> list[str]:
    lines = [*selection.remarks, *filter(None, [out_of_reach])]
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


def _attainable(n_arms: int, n_blocks: int, settings: RankSettings) -> float:
    if settings.post_hoc not in PAIRED_TESTS:
        return math.nan
    return smallest_corrected_p(settings.post_hoc, n_blocks, n_arms, settings.correction)


def _never_decided(n_arms: int, n_blocks: int, settings: RankSettings) -> str:
    """Why no pair can ever be told apart, whatever its scores; empty where one can."""
    smallest = _attainable(n_arms, n_blocks, settings)
    if not smallest >= settings.alpha:
        return ""
    needed = blocks_needed(settings.post_hoc, n_arms, settings.correction, settings.alpha)
    enough = "no number of blocks is enough" if needed is None else f"{needed} blocks are enough"
    return (
        f"{n_blocks} blocks and {n_arms * (n_arms - 1) // 2} pairs can never reach "
        f"p < {settings.alpha:g}: the smallest corrected p is {smallest:.3g}; {enough}"
    )
