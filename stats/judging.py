"""How scores are judged: declared once, checked once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stats.choices import COMMON_SCALES, EQUIVALENCES, FAMILIES, SCALES, TASKS, ZEROS
from stats.errors import InvalidSetting
from stats.inputs import FloatArray, check_choice, check_fraction, check_positive
from stats.register import (
    CORRECTIONS,
    PAIRED_EFFECTS,
    PAIRED_TESTS,
    UNPAIRED_EFFECTS,
    UNPAIRED_TESTS,
)

_OF_PAIRS: Mapping[str, Sequence[str]] = {"test": PAIRED_TESTS, "effect": PAIRED_EFFECTS}
_UNPAIRED: Mapping[str, Sequence[str]] = {"test": UNPAIRED_TESTS, "effect": UNPAIRED_EFFECTS}

#: A number for all tasks, or by the name of the task; None, or a task without one, is unknown.
ByTask = float | Mapping[str, float] | None


@dataclass(frozen=True, kw_only=True)
class Judging:
    """How scores are judged: declared in a study, kept in its record, taken by all of `stats`.

    Args:
        metric: which metric; None where the scores hold one for each task.
        split: which split; without meaning where the scores name none.
        lower_is_better: whether the metric is a loss; None knows the usual losses by name.
        alpha: level of the tests; intervals have confidence 1 − alpha.
        margin: smallest difference that matters, in points of the metric; without it nothing
            can be shown to be negligible or equivalent.
        correction: one of `register.CORRECTIONS`.
        family: what is corrected together. "model-init-task": the candidates compared with one
            baseline on the same model, init and task. "study": all comparisons of the analysis.
        test: the primary test, one of `register.PAIRED_TESTS` or, for unpaired arms, of
            `register.UNPAIRED_TESTS`; "" is the first of these.
        effect: the effect size that is shown, with its interval: one of `register.PAIRED_EFFECTS`
            or `register.UNPAIRED_EFFECTS`.
        equivalence: whether equivalence is shown of means, by "t", or of pseudo-medians, by
            "ranks".
        zeros: what the signed-rank test does with zero differences: "wilcox" (drop them),
            "pratt" or "zsplit".
        paired: whether the arms share their seeds.
        interaction_scale: "raw", in points, or "log_odds" of percentages, which have no ceiling.
        tasks: None judges each task alone. "fixed" asks about these very tasks together, and is
            tested over seeds; "sampled" asks about tasks like these, and is tested over tasks.
        scale: to which tasks on unlike scales are brought, one of `choices.COMMON_SCALES`:
            "relative" is the change from the baseline's mean on the task in percent, "rank" the
            rank among the methods on the task and seed, "z" the distance from the baseline's mean
            in standard deviations over seeds. None takes the scores as they are.
        common_margin: the smallest difference that matters on that scale; `margin` is that of
            each task alone.
        resolution: smallest step of the metric, to which differences are rounded: one for all
            tasks, or by the name of the task; without one float noise alone is taken out.
        test_examples: size of the test set, where log odds meet scores of 0 or 100 %: one for all
            tasks, or by the name of the task.
        reference_init: the init whose effect is subtracted in interactions; None for "pretrained"
            if there is one, else the first in the scores.

    Raises:
        InvalidSetting: a value outside what it can be, or a test or effect size of paired data
            for unpaired ones, or the other way round.

    >>> Judging(alpha=1.5)
    Traceback (most recent call last):
    stats.errors.InvalidSetting: alpha must lie between 0 and 1, not 1.5
    """

    metric: str | None = None
    split: str = "test"
    lower_is_better: bool | None = None
    alpha: float = 0.05
    margin: float | None = None
    correction: str = "holm"
    family: str = "model-init-task"
    test: str = ""
    effect: str = "hedges_g"
    equivalence: str = "t"
    zeros: str = "wilcox"
    paired: bool = True
    interaction_scale: str = "raw"
    tasks: str | None = None
    scale: str | None = None
    common_margin: float | None = None
    resolution: ByTask = None
    test_examples: ByTask = None
    reference_init: str | None = None

    def __post_init__(self) -> None:
        check_fraction("alpha", self.alpha)
        if not isinstance(self.paired, (bool, np.bool_)):
            raise InvalidSetting(f"paired must be True or False, not {self.paired!r}")
        for name in ("margin", "common_margin"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name))
        check_resolution(self.resolution, self.margin)
        for each in _values(self.test_examples):
            check_positive("test_examples", each, unit="")
        check_choice("correction", self.correction, CORRECTIONS)
        check_choice("family", self.family, FAMILIES)
        check_choice("zeros", self.zeros, ZEROS)
        check_choice("equivalence", self.equivalence, EQUIVALENCES)
        check_choice("interaction_scale", self.interaction_scale, SCALES)
        for name, choices in (("tasks", TASKS), ("scale", COMMON_SCALES)):
            if getattr(self, name) is not None:
                check_choice(name, getattr(self, name), choices)
        if not self.test:
            object.__setattr__(self, "test", (PAIRED_TESTS if self.paired else UNPAIRED_TESTS)[0])
        for name in ("test", "effect"):
            self._check_kind(name, getattr(self, name))

    @property
    def unit(self) -> str:
        """What a pair of the verdict is: a seed, or a sampled task."""
        return "task" if self.tasks == "sampled" else "seed"

    @property
    def deciding_margin(self) -> float | None:
        """Of the verdict that is asked for: on the common scale, where there is one."""
        return self.common_margin if self.scale else self.margin

    def of_runs(self, lower_is_better: bool) -> Judging:
        """The judging of each task alone, where it is known which way is better.

        Unpaired runs of sampled tasks make both kinds of scores: runs, and averages that the task
        pairs. A test or an effect size of the other kind gives way to the first of this one.
        """
        return replace(
            self,
            **self._of_kind(_OF_PAIRS if self.paired else _UNPAIRED),
            lower_is_better=lower_is_better,
            tasks=None,
            scale=None,
            common_margin=None,
        )

    def of_averages(self, lower_is_better: bool) -> Judging:
        """The judging of averages over seeds or tasks, which are pairs and have no resolution."""
        return replace(
            self,
            **self._of_kind(_OF_PAIRS),
            paired=True,
            lower_is_better=lower_is_better,
            margin=self.deciding_margin,
            resolution=None,
            test_examples=None,
        )

    def _of_kind(self, known: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Test and effect size, each the first of those known where it is of the other kind."""
        given = {name: getattr(self, name) for name in known}
        return {name: v if v in known[name] else known[name][0] for name, v in given.items()}

    def _check_kind(self, what: str, value: str) -> None:
        of_pairs, unpaired = _OF_PAIRS[what], _UNPAIRED[what]
        if self.tasks == "sampled" and value in of_pairs:
            return  # averages over runs are paired by the task, whether or not the runs are
        wanted, other = (of_pairs, unpaired) if self.paired else (unpaired, of_pairs)
        if value in other and value not in wanted:
            kind = "paired" if other is of_pairs else "unpaired"
            declared = "paired" if self.paired else "unpaired"
            raise InvalidSetting(
                f'{what} "{value}" is for {kind} scores, and these are declared {declared}; '
                f"take one of {', '.join(wanted)}"
            )
        check_choice(what, value, wanted)

    @property
    def confidence(self) -> float:
        """Confidence of the intervals, free of the rounding error of 1 − alpha."""
        return round(1 - self.alpha, 12)


def check_resolution(resolution: ByTask, margin: float | None) -> None:
    """Refuse steps that are not positive, and a step given by hand that is above the margin.

    Steps by task come with the size of the test sets; where they are coarse, so are the scores.

    Raises:
        InvalidSetting: such a step.
    """
    for each in _values(resolution):
        check_positive("resolution", each)
    if not isinstance(resolution, Mapping) and resolution and margin and resolution > margin:
        raise InvalidSetting(
            f"a resolution of {resolution:g} is coarser than the margin of {margin:g}: rounding "
            "would decide what is equivalent"
        )


def by_task(values: ByTask, tasks: Sequence[str]) -> FloatArray:
    """The number of each task as a column of shape (m, 1), NaN where it is unknown.

    >>> by_task({"rte": 0.5}, ["rte", "cola"]).tolist()
    [[0.5], [nan]]
    """
    if isinstance(values, Mapping):
        known = [values.get(task, np.nan) for task in tasks]
    else:
        known = [np.nan if values is None else values] * len(tasks)
    return np.array(known, dtype=np.float64)[:, None]


def _values(numbers: ByTask) -> list[float]:
    if isinstance(numbers, Mapping):
        return list(numbers.values())
    return [] if numbers is None else [numbers]


def families_of(cells: Sequence[Hashable], judging: Judging) -> Sequence[Hashable]:
    """The family of each comparison, made in these cells."""
    return cells if judging.family == "model-init-task" else ["study"] * len(cells)
