"""Does an effect change from one init to another? A test of its own.

"Significant from scratch, not significant when pre-trained" does not show that pre-training
shrinks the effect (Gelman and Stern 2006); the difference of the two differences does.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stats.changes.unpaired import (
    UNPAIRED_INTERACTION_TEST,
    unpaired_interaction_statistics,
)
from stats.effects.log_odds import log_odds
from stats.errors import InvalidSetting, NotEnoughPairs
from stats.inputs import FloatArray
from stats.intervals import mean_and_sd, t_bounds
from stats.judging import Judging, by_task
from stats.multiplicity import adjust_in_families
from stats.table.pairing import join_arms, lay_out_arms
from stats.ties import check_step, noise_scale, settle
from stats.two_arms.primary_tests import paired_test_rows


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """The effect of a candidate under one init minus its effect under another.

    Attributes:
        inits: the two inits, the second subtracted from the first.
        n_pairs: seeds on which all four arms have a score.
        sizes: scores of baseline and candidate under the first init, then under the second;
            `n_pairs` each where the arms are paired.
        difference_of_differences: mean over seeds of (candidate − baseline | first init) −
            (candidate − baseline | second init), in points of the metric or in log odds.
        ci_low: end of its t interval, at `confidence`.
        test: the primary test, of the per-seed double differences; "welch" for unpaired arms.
        p_value: of that test; `p_adjusted` is corrected over `family_size` interactions, those of
            all candidates between all inits on the same model and task.
        scale: "raw" or "log_odds".
    """

    baseline: str
    candidate: str
    model: str
    task: str
    inits: tuple[str, str]
    n_pairs: int
    sizes: tuple[int, ...]
    test: str
    difference_of_differences: float
    ci_low: float
    ci_high: float
    confidence: float
    p_value: float
    p_adjusted: float
    family_size: int
    scale: str = "raw"


def interaction(
    first: tuple[Any, Any],
    second: tuple[Any, Any],
    *,
    alpha: float = 0.05,
    resolution: float | None = None,
    zeros: str = "wilcox",
    paired: bool = True,
    test: str | None = None,
    scale: str = "raw",
    test_examples: float | None = None,
    inits: tuple[str, str] = ("scratch", "pretrained"),
    names: tuple[str, str] = ("baseline", "candidate"),
) -> Interaction:
    """Test whether the effect of a candidate differs between two inits.

    Over shared seeds the primary test is made of the double difference of each seed; of unpaired
    arms Welch's test of four means.

    Args:
        first: scores of the baseline and of the candidate under the first init, of the kinds
            that `stats.compare` takes.
        second: the same under the second init, whose effect is subtracted.
        alpha: the interval has confidence 1 − alpha.
        resolution: smallest step of the metric, to which differences are rounded.
        zeros: what the signed-rank test does with zero differences.
        paired: False for arms that do not share their seeds.
        test: one of `register.PAIRED_TESTS`, "wilcoxon" by default; "welch" for unpaired arms.
        scale: "raw", in points, or "log_odds" of percentages, which have no ceiling: an effect
            that shrinks only because scores come close to 100 % does not shrink there.
        test_examples: size of the test set, for scores of 0 or 100 % on the log-odds scale.
        inits: names of the two inits.
        names: of the two arms.

    Raises:
        NotPaired: the scores cannot be joined.
        NotEnoughPairs: fewer than two seeds have all four scores, or an unpaired arm has fewer
            than two scores.
        InvalidSetting: a setting outside what it can be.
        StatsError: scores that have no log odds.

    >>> scratch = ([50.1, 52.3, 51.0, 50.7, 51.9, 50.4], [52.0, 54.5, 52.2, 53.3, 53.6, 52.6])
    >>> pretrained = ([80.2, 80.9, 81.1, 80.0, 80.6, 80.3], [80.3, 80.7, 81.4, 80.4, 80.5, 80.9])
    >>> shrinks = interaction(scratch, pretrained)
    >>> round(shrinks.difference_of_differences, 3), shrinks.p_value
    (1.783, 0.03125)
    >>> round(interaction(scratch, pretrained, paired=False).p_value, 3)
    0.008
    """
    for what, both in (("first", first), ("second", second)):
        if not isinstance(both, (tuple, list)) or len(both) != 2:
            raise InvalidSetting(f"{what} must be the scores of the baseline and of the candidate")
    if not paired and test is None:
        test = UNPAIRED_INTERACTION_TEST
    judging = Judging(
        alpha=alpha,
        resolution=resolution,
        zeros=zeros,
        paired=paired,
        test=test or "",
        interaction_scale=scale,
        test_examples=test_examples,
    )
    named = [
        (f"{name} ({init})", scores)
        for init, both in zip(inits, (first, second), strict=True)
        for name, scores in zip(names, both, strict=True)
    ]
    where: dict[str, Any] = {"baseline": names[0], "candidate": names[1], "inits": inits}
    where |= {"model": "", "task": ""}
    if not paired:
        return _unpaired(named, where, judging)
    arms, _ = join_arms(named)
    four = arms[:, np.logical_and.reduce(np.isfinite(arms))]
    if four.shape[1] < 2:
        raise NotEnoughPairs(f"the four arms share {four.shape[1]} scored seeds; 2 needed")
    measures = interaction_statistics(four[:, None, :], [""], judging)
    where |= {"n_pairs": four.shape[1], "sizes": (four.shape[1],) * 4}
    return conclude_interactions([where], measures, ["alone"], judging)[0]


def _unpaired(
    named: Sequence[tuple[str, Any]], where: dict[str, Any], judging: Judging
) -> Interaction:
    if judging.test != UNPAIRED_INTERACTION_TEST:
        raise InvalidSetting(
            f'an interaction of unpaired arms is tested by "{UNPAIRED_INTERACTION_TEST}", which '
            f'compares their means; "{judging.test}" knows no double difference'
        )
    arms, seeds = lay_out_arms(named)
    scored = np.isfinite(arms)
    for (name, _), size in zip(named, scored.sum(axis=1).tolist(), strict=True):
        if size < 2:
            raise NotEnoughPairs(f"{name} has {size} scores; 2 needed")
    shared = int(np.logical_and.reduce(scored).sum()) if seeds else 0
    where |= {"n_pairs": shared, "sizes": tuple(scored.sum(axis=1).tolist())}
    measures = unpaired_interaction_statistics(arms[:, None, :], [""], judging)
    return conclude_interactions([where], measures, ["alone"], judging)[0]


def interaction_statistics(
    four: FloatArray, tasks: Sequence[str], judging: Judging
) -> dict[str, FloatArray]:
    """Measures of shape (m,) from scores of shape (4, m, n), on the tasks of these names.

    The four are baseline and candidate under the first init, then under the second.
    """
    if judging.interaction_scale == "log_odds":
        four = log_odds(four, by_task(judging.test_examples, tasks))
    base_first, candidate_first, base_second, candidate_second = four
    scale = noise_scale(four, axis=(0, 2))[:, None]
    change = (candidate_first - base_first) - (candidate_second - base_second)
    on_raw = judging.interaction_scale == "raw"
    step = by_task(judging.resolution, tasks) if on_raw else None
    check_step(four, step)
    doubled = settle(change, scale, step)
    mean, sd = mean_and_sd(doubled)
    low, high = t_bounds(mean, sd, doubled.shape[1], judging.confidence)
    return {
        "difference_of_differences": mean,
        "ci_low": low,
        "ci_high": high,
        "p_value": paired_test_rows(doubled, judging)["p_value"],
    }


def conclude_interactions(
    arms: Sequence[dict[str, Any]],
    measures: dict[str, FloatArray],
    families: Sequence[Hashable],
    judging: Judging,
) -> list[Interaction]:
    """Interactions from their names and measures, corrected within their families."""
    p_adjusted, size = adjust_in_families(measures["p_value"], families, judging.correction)
    columns = {name: values.tolist() for name, values in measures.items()}
    columns |= {"p_adjusted": p_adjusted.tolist(), "family_size": size.tolist()}
    return [
        Interaction(
            **arm,
            **dict(zip(columns, row, strict=True)),
            confidence=judging.confidence,
            test=judging.test if judging.paired else UNPAIRED_INTERACTION_TEST,
            scale=judging.interaction_scale,
        )
        for arm, row in zip(arms, zip(*columns.values(), strict=True), strict=True)
    ]
