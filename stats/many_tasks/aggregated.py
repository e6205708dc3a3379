"""What aggregates over tasks are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """One number for one method over all tasks, with its percentile interval."""

    method: str
    statistic: str
    estimate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class AggregateContrast:
    """A candidate against the baseline: a difference of aggregates, candidate − baseline.

    With the statistic "probability_of_improvement" it is the mean over tasks of the chance that
    a run of the candidate beats a run of the baseline; ½ is no difference.
    """

    baseline: str
    candidate: str
    statistic: str
    estimate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Aggregation:
    """Aggregation of several methods over the same tasks.

    Attributes:
        runs: of each method, over all tasks.
        target: of the optimality gap; None where there is none.
    """

    methods: tuple[str, ...]
    tasks: tuple[str, ...]
    runs: tuple[int, ...]
    aggregates: tuple[Aggregate, ...]
    contrasts: tuple[AggregateContrast, ...]
    confidence: float
    replicates: int
    seed: int
    paired: bool
    target: float | None
    metric: str
    split: str
    lower_is_better: bool
    warnings: tuple[str, ...]
