"""From a table of scores, and how they are to be analysed, to what `stats` says about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.errors import BenchmarkError

if TYPE_CHECKING:
    import pandas as pd

    from stats import Judging
    from stats.changes.of_sweeps import SweepAnalysis
    from stats.changes.swept_arms import SweptArms
    from stats.many_arms.ranked_arms import Ranking
    from stats.many_tasks.pooled import Pooled
    from stats.report import Result
    from stats.verdicts.analyse import Analysis

#: What a block of a ranking is, by what is asked of the tasks.
_BLOCKS = {None: "seed", "fixed": "average", "sampled": "task"}


def verdicts(
    table: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    judging: Judging,
    study: str,
    between_inits: bool = True,
) -> list[Analysis | Pooled]:
    """The verdict on each task and, where tasks are pooled, the one over all of them before it.

    Args:
        table: scores.
        baseline: the arm that candidates are compared with.
        candidates: the other arms.
        judging: how.
        study: a name for the output.
        between_inits: whether effects under several inits are held against each other.
    """
    from stats import analyse, pooled

    alone = analyse(table, baseline, candidates, judging, study=study, between_inits=between_inits)
    if not judging.tasks:
        return [alone]
    return [pooled(table, baseline, candidates, judging, study=study), alone]


def swept_verdicts(
    table: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    swept: Sequence[SweptArms],
    judging: Judging,
    study: str,
) -> list[SweepAnalysis]:
    """How far each sweep may go, on each task and, where tasks are pooled, over all before it.

    Args:
        table: scores.
        baseline: the arm that candidates are compared with.
        candidates: the other arms, of sweeps or not.
        swept: the sweeps; none give no answer.
        judging: how.
        study: a name for the output.
    """
    from stats import analyse_sweeps

    if not swept:
        return []
    asked = [judging, replace(judging, tasks=None, scale=None)] if judging.tasks else [judging]
    return [analyse_sweeps(table, baseline, candidates, swept, each, study=study) for each in asked]


def rankings(
    table: pd.DataFrame,
    methods: Sequence[str] | None,
    judging: Judging,
    study: str,
    post_hoc: str = "",
    correction: str = "",
) -> list[Ranking]:
    """A ranking of these methods, or all, for each model and init.

    Args:
        table: scores.
        methods: to be ranked.
        judging: how.
        study: a name for the output.
        post_hoc: in place of the test of `judging`, as in `stats.rank`.
        correction: in place of that of `judging`, as in `stats.rank`.

    Raises:
        BenchmarkError: several tasks, and nothing says what a block is.
    """
    from stats import NotEnoughPairs, UnknownName, rank, validate_scores

    table = validate_scores(table)
    n_tasks = table["task"].nunique()
    if n_tasks > 1 and judging.tasks is None:
        raise BenchmarkError(
            f"--rank over {n_tasks} tasks needs --tasks: fixed, if the claim is about these "
            "tasks (blocks are seeds, averaged over tasks), or sampled, if it is about tasks "
            "like them (blocks are tasks)."
        )
    known = table["method"].unique().tolist()
    for name in methods or ():
        if name not in known:
            raise UnknownName("method", name, known)
    found = [
        rank(
            part,
            names,
            judging,
            blocks=_BLOCKS[judging.tasks],
            post_hoc=post_hoc,
            correction=correction,
            study=study,
        )
        for part, names in _places(table, methods or known)
    ]
    if not found:
        raise NotEnoughPairs("no model and init has runs of two of these methods")
    return found


def _places(table: pd.DataFrame, names: Sequence[str]) -> Iterator[tuple[pd.DataFrame, list[str]]]:
    """The scores of each model and init that has runs of two of these methods, and which."""
    for _, part in table.groupby(["model", "init"], sort=False):
        present = set(part["method"])
        if len(methods := [name for name in names if name in present]) > 1:
            yield part, methods


def only_candidates(results: Sequence[Result], asked: Sequence[str], note: str) -> list[Result]:
    """The verdicts on some candidates, with a note on those that were left out.

    A family must not shrink because a table shows less of it: looking at one candidate of four
    would otherwise halve its p-value and more.
    """
    from stats.many_tasks.pooled import Pooled
    from stats.verdicts.analyse import Analysis

    shown: list[Result] = []
    for result in results:
        assert isinstance(result, Analysis | Pooled)
        rows = tuple(each for each in result.comparisons if each.candidate in asked)
        less = replace(result, comparisons=rows, warnings=(*result.warnings, note))
        if isinstance(less, Analysis):
            kept = tuple(each for each in less.interactions if each.candidate in asked)
            less = replace(less, interactions=kept)
        shown.append(less)
    return shown
