"""Tasks on unlike scales: noticed before they are averaged, and brought to a common scale.

An average of accuracies and of errors in dollars is one of dollars. Tests over tasks that go by
the size of differences, the signed-rank test among them, are then tests of the largest task.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stats.choices import COMMON_SCALES
from stats.errors import InvalidSetting
from stats.inputs import FloatArray, check_choice
from stats.table.direction import words_of
from stats.table.metric_words import LOWER, words
from stats.ties import SCORE_NOISE, rank_blocks

if TYPE_CHECKING:
    import pandas as pd


BOUNDED = words("error errors err inaccuracy misclassification wer cer ter eer ece brier")
#: Metrics of which less is better whose scores on several tasks can be averaged.
LOG_LOSSES = words("nll nlpd logloss xent loss losses perplexity ppl bpb bpc bpd")

#: How many times larger the scores of one task may be than those of another.
MOST_BOUNDED, MOST_UNBOUNDED = 100.0, 10.0

CELL = ["model", "init", "task"]


def check_like_scales(rows: pd.DataFrame) -> None:
    """Refuse to average tasks whose scores are on unlike scales.

    Scales are unlike if the scores of one task are all negative and those of another all positive;
    if those of one are fractions, between 0 and 1, and those of another have a median above 1.5;
    or if the median size of one is more than 100 times that of another, and 10 times where scores
    go beyond 100 or the metric has no bound, such as a root mean squared error. Tasks with scores
    of both signs, or of 0, are passed over: their size says nothing.

    Args:
        rows: validated scores of the methods that are compared.

    Raises:
        InvalidSetting: they are; the message names the tasks and the way out.
    """
    of_tasks = {
        str(task): part["score"].dropna().to_numpy()
        for task, part in rows.groupby("task", sort=False)
    }
    of_tasks = {task: scores for task, scores in of_tasks.items() if len(scores)}
    pair = _unlike(of_tasks, _is_unbounded(rows["metric"].unique().tolist()))
    if pair is None:
        return
    levels = {task: float(np.median(scores)) for task, scores in of_tasks.items()}
    ordered = sorted(levels, key=lambda task: levels[task])
    shown = list(dict.fromkeys([*pair, ordered[0], ordered[-1]]))
    raise InvalidSetting(
        f"{len(of_tasks)} tasks on unlike scales cannot be averaged: "
        + ", ".join(f"{task or 'without a name'} {levels[task]:.6g}" for task in shown)
        + " in the median. Take a common scale (--scale relative, rank or z; scale= in Python), or "
        "judge each task alone"
    )


def _unlike(of_tasks: dict[str, FloatArray], unbounded: bool) -> tuple[str, str] | None:
    """Two tasks that show it."""
    signed = {task: s for task, s in of_tasks.items() if s.min() > 0 or s.max() < 0}
    if len(signed) < 2:
        return None
    negative = [task for task, s in signed.items() if s.max() < 0]
    positive = [task for task, s in signed.items() if s.min() > 0]
    if negative and positive:
        return negative[0], positive[0]
    sizes = {task: float(np.median(np.abs(s))) for task, s in signed.items()}
    small, large = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    fractions = [task for task, s in signed.items() if np.abs(s).max() <= 1]
    if fractions and sizes[large] > 1.5:
        return fractions[0], large
    beyond = unbounded or max(float(np.abs(s).max()) for s in signed.values()) > 100
    most = MOST_UNBOUNDED if beyond else MOST_BOUNDED
    return (small, large) if sizes[large] > most * sizes[small] else None


def _is_unbounded(metrics: Sequence[str]) -> bool:
    words = {word for metric in metrics for word in words_of(metric)}
    return bool(words & (LOWER - LOG_LOSSES - BOUNDED)) or "squared" in words


def on_common_scale(
    rows: pd.DataFrame, methods: Sequence[str], scale: str, lower: bool, baseline: str | None
) -> tuple[pd.DataFrame, str, bool]:
    """Scores of every task on a scale that tasks share.

    - "relative": change from the baseline's mean on the task, in percent of its size. Averages of
      such ratios depend on what they are relative to (Fleming and Wallace 1986): here that is the
      baseline, of which the question speaks.
    - "rank": rank among the methods on the same task and seed, 1 for the best, ties averaged
      (Friedman 1937; Demšar 2006). How large a difference is does not count.
    - "z": distance from the baseline's mean in standard deviations over seeds, pooled over the
      methods on the task, as in Cohen's d (1988); tasks with little noise count more.

    Without a baseline its place is taken by the mean of all methods.

    Args:
        rows: validated scores of these methods.
        methods: which.
        scale: one of `judging.COMMON_SCALES`.
        lower: whether less of the scores is better.
        baseline: one of the methods, or None.

    Returns:
        The rows with scores on that scale, what the scale is called before and after the name of
        the metric, and whether less of it is better.

    Raises:
        InvalidSetting: another scale, or a task that has none: a mean of 0, or no spread.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"method": ["a", "a", "b", "b"], "seed": [1, 2, 1, 2], "task": "x"})
    >>> rows = rows.assign(model="", init="", score=[50.0, 30.0, 44.0, 40.0])
    >>> for scale in COMMON_SCALES:
    ...     found, _, _ = on_common_scale(rows, ["a", "b"], scale, False, "a")
    ...     print(found["score"].round(2).tolist())
    [25.0, -25.0, 10.0, 0.0]
    [1.0, 2.0, 2.0, 1.0]
    [0.98, -0.98, 0.39, 0.0]
    """
    check_choice("scale", scale, COMMON_SCALES)
    reference = f"{baseline}'s mean" if baseline else "the mean of all methods"
    if scale == "rank":
        return _ranked(rows, methods, lower), "rank of {} among the methods, 1 is best", True
    if scale == "relative":
        return (
            _each_task(rows, methods, baseline, _relative),
            f"{{}}, change from {reference} in %",
            lower,
        )
    name = f"{{}}, distance from {reference} in sds over seeds"
    return _each_task(rows, methods, baseline, _standardised), name, lower


def _each_task(
    rows: pd.DataFrame, methods: Sequence[str], baseline: str | None, rescale: Callable[..., Any]
) -> pd.DataFrame:
    found = rows[rows["method"].isin(methods)].copy()
    for place, part in found.groupby(CELL, sort=False):
        arms = {m: part.loc[part["method"] == m, "score"].dropna().to_numpy() for m in methods}
        arms = {method: scores for method, scores in arms.items() if len(scores)}
        name = " · ".join(str(each) for each in place if each) or "the scores"
        if baseline is None or baseline in arms:
            means = [scores.mean() for scores in arms.values()]
            center = float(np.mean(means) if baseline is None else arms[baseline].mean())
            found.loc[part.index, "score"] = rescale(part["score"], arms, center, name)
    return found


def _relative(
    scores: pd.Series[float], arms: dict[str, FloatArray], center: float, name: str
) -> pd.Series[float]:
    if center == 0:
        raise InvalidSetting(f"{name}: a mean of 0 has no percentages; take --scale rank or z")
    return 100 * (scores - center) / abs(center)


def _standardised(
    scores: pd.Series[float], arms: dict[str, FloatArray], center: float, name: str
) -> pd.Series[float]:
    several = [each for each in arms.values() if len(each) > 1]
    squares = sum(float(((each - each.mean()) ** 2).sum()) for each in several)
    freedom = sum(len(each) - 1 for each in several)
    sd = math.sqrt(squares / freedom) if freedom else 0.0
    if sd <= SCORE_NOISE * max(float(np.abs(each).max()) for each in arms.values()):
        raise InvalidSetting(
            f"{name}: no spread over seeds to measure distances by; take --scale relative or rank"
        )
    return (scores - center) / sd


def _ranked(rows: pd.DataFrame, methods: Sequence[str], lower: bool) -> pd.DataFrame:
    """Ranks within each task and seed that all of the methods have there; NaN elsewhere."""
    found = rows[rows["method"].isin(methods)].copy()
    wide = found.pivot(index=[*CELL, "seed"], columns="method", values="score")
    complete = wide.dropna() if set(wide.columns) == set(methods) else wide.iloc[:0]
    if complete.empty:
        raise InvalidSetting(
            "no task and seed has scores of all methods, and ranks are among these; take --scale "
            "relative or z"
        )
    import pandas as pd

    every = pd.MultiIndex.from_tuples(
        [(*place, method) for place in complete.index for method in complete.columns]
    )
    ranks = rank_blocks(complete.to_numpy(), lower_is_better=lower)
    found["score"] = (
        pd.Series(ranks.ravel(), index=every)
        .reindex(pd.MultiIndex.from_frame(found[[*CELL, "seed", "method"]]))
        .to_numpy()
    )
    return found
