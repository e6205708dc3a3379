"""How scores are to be compared: declared once, checked once."""

from __future__ import annotations

from dataclasses import dataclass

from stats.inputs import check_choice, check_fraction, check_positive
from stats.multiplicity import CORRECTIONS
from stats.signed_rank import ZEROS

FAMILIES = ("model-init-task", "study")

LOWER_IS_BETTER = frozenset(
    {
        *("loss", "eval_loss", "log_loss", "cross_entropy", "nll", "negative_log_likelihood"),
        *("perplexity", "ppl", "brier", "ece", "error", "error_rate", "mae", "mse", "rmse"),
        *("wer", "cer", "regret", "seconds"),
    }
)
"""Metrics of which less is better, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an analysis holds fixed.

    Args:
        alpha: level of the tests; intervals have confidence 1 − alpha.
        margin: smallest difference that matters, in points of the metric; without it nothing
            can be shown to be negligible or equivalent.
        correction: one of `stats.CORRECTIONS`.
        family: what is corrected together. "model-init-task": the candidates compared with one
            baseline on the same model, init and task. "study": all comparisons of the analysis.
        resolution: smallest step of the metric, to which differences are rounded.
        zeros: what the signed-rank test does with zero differences.
        lower_is_better: whether the metric is a loss.

    Raises:
        InvalidSetting: a value outside what it can be.

    >>> Settings(alpha=1.5)
    Traceback (most recent call last):
    stats.errors.InvalidSetting: alpha must lie between 0 and 1, not 1.5
    """

    alpha: float = 0.05
    margin: float | None = None
    correction: str = "holm"
    family: str = "model-init-task"
    resolution: float | None = None
    zeros: str = "wilcox"
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        check_fraction("alpha", self.alpha)
        if self.margin is not None:
            check_positive("margin", self.margin)
        if self.resolution is not None:
            check_positive("resolution", self.resolution)
        check_choice("correction", self.correction, CORRECTIONS)
        check_choice("family", self.family, FAMILIES)
        check_choice("zeros", self.zeros, ZEROS)

    @property
    def confidence(self) -> float:
        """Confidence of the intervals, free of the rounding error of 1 − alpha."""
        return round(1 - self.alpha, 12)


def is_lower_better(metric: str) -> bool:
    """Whether less of this metric is better, by its name.

    >>> is_lower_better("accuracy"), is_lower_better("NLL")
    (False, True)
    """
    return metric.lower().replace("-", "_").replace(" ", "_") in LOWER_IS_BETTER
