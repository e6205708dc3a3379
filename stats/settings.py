"""How scores are to be compared: declared once, checked once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stats.errors import InvalidSetting
from stats.inputs import FloatArray, check_choice, check_fraction, check_positive
from stats.multiplicity import CORRECTIONS
from stats.register import PAIRED_TESTS, UNPAIRED_TESTS

FAMILIES = ("model-init-task", "study")

PAIRED_EFFECTS = ("hedges_g", "d_z", "d_av", "rank_biserial", "superiority")
UNPAIRED_EFFECTS = ("hedges_g", "cliffs_delta", "a12")
EQUIVALENCES = ("t", "ranks")
SCALES = ("raw", "log_odds")
ZEROS = ("wilcox", "pratt", "zsplit")

ByTask = float | Mapping[str, float] | None
"""A number for all tasks, or by the name of the task; None, or a task without one, is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an analysis holds fixed.

    Args:
        alpha: level of the tests; intervals have confidence 1 − alpha.
        margin: smallest difference that matters, in points of the metric; without it nothing
            can be shown to be negligible or equivalent.
        correction: one of `multiplicity.CORRECTIONS`.
        family: what is corrected together. "model-init-task": the candidates compared with one
            baseline on the same model, init and task. "study": all comparisons of the analysis.
        resolution: smallest step of the metric, to which differences are rounded: one for all
            tasks, or by the name of the task; without one float noise alone is taken out.
        zeros: what the signed-rank test does with zero differences.
        lower_is_better: whether the metric is a loss.
        paired: whether the arms share their seeds.
        test: the primary test, one of `register.PAIRED_TESTS` or, for unpaired arms, of
            `register.UNPAIRED_TESTS`; "" is the first of these.
        effect: the effect size that is shown, with its interval: one of `settings.PAIRED_EFFECTS`
            or `settings.UNPAIRED_EFFECTS`.
        equivalence: whether equivalence is shown of means, by "t", or of pseudo-medians, by
            "ranks".
        interaction_scale: "raw" or "log_odds", the latter for percentages only.
        test_examples: size of the test set, where log odds meet scores of 0 or 100 %: one for all
            tasks, or by the name of the task.

    Raises:
        InvalidSetting: a value outside what it can be, or a test or effect size of paired data
            for unpaired ones, or the other way round.

    >>> Settings(alpha=1.5)
    Traceback (most recent call last):
    stats.errors.InvalidSetting: alpha must lie between 0 and 1, not 1.5
    """

    alpha: float = 0.05
    margin: float | None = None
    correction: str = "holm"
    family: str = "model-init-task"
    resolution: ByTask = None
    zeros: str = "wilcox"
    lower_is_better: bool = False
    paired: bool = True
    test: str = ""
    effect: str = "hedges_g"
    equivalence: str = "t"
    interaction_scale: str = "raw"
    test_examples: ByTask = None

    def __post_init__(self) -> None:
        check_fraction("alpha", self.alpha)
        if not isinstance(self.paired, (bool, np.bool_)):
            raise InvalidSetting(f"paired must be True or False, not {self.paired!r}")
        if self.margin is not None:
            check_positive("margin", self.margin)
        check_resolution(self.resolution, self.margin)
        for each in _values(self.test_examples):
            check_positive("test_examples", each, unit="")
        check_choice("correction", self.correction, CORRECTIONS)
        check_choice("family", self.family, FAMILIES)
        check_choice("zeros", self.zeros, ZEROS)
        check_choice("equivalence", self.equivalence, EQUIVALENCES)
        check_choice("interaction_scale", self.interaction_scale, SCALES)
        if not self.test:
            object.__setattr__(self, "test", (PAIRED_TESTS if self.paired else UNPAIRED_TESTS)[0])
        self._check_kind("test", self.test, PAIRED_TESTS, UNPAIRED_TESTS)
        self._check_kind("effect", self.effect, PAIRED_EFFECTS, UNPAIRED_EFFECTS)

    def _check_kind(
        self, what: str, value: str, of_pairs: Sequence[str], unpaired: Sequence[str]
    ) -> None:
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


def families_of(cells: Sequence[Hashable], settings: Settings) -> Sequence[Hashable]:
    """The family of each comparison, made in these cells."""
    return cells if settings.family == "model-init-task" else ["study"] * len(cells)
