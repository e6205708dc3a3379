"""How the learning rate changes over a phase of training, as a factor of its peak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from trainers.errors import SettingsError

#: The factor of the peak learning rate at each step, counted from 0.
Factor = Callable[[int], float]


@dataclass(frozen=True)
class StepDecay:
    """Divide the rate at the start of some epochs, as residual networks are trained.

    Attributes:
        at: epochs completed, in ascending order, after which the rate is divided.
        divide_by: by what, each time.

    Raises:
        SettingsError: an epoch is not a whole number above the one before, or nothing is divided.
    """

    at: tuple[int, ...]
    divide_by: float = 10.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", tuple(self.at))
        whole = all(isinstance(e, int) and not isinstance(e, bool) and e > 0 for e in self.at)
        if not self.at or not whole or list(self.at) != sorted(set(self.at)):
            raise SettingsError(
                f"StepDecay(at={self.at!r}): give whole numbers of epochs in ascending order."
            )
        if not self.divide_by > 1:
            raise SettingsError(f"StepDecay(divide_by={self.divide_by!r}): it must be above 1.")


Schedule = Literal["linear", "constant"] | StepDecay


def factor_of(schedule: Schedule, warmup: float, steps: int, steps_an_epoch: int) -> Factor:
    """The factor of the peak learning rate at each step of a phase.

    The rate first rises linearly; then it falls linearly to zero, stays, or is divided. While it
    rises over w steps, step t, counted from 0, has the factor (t + 1)/w, so that the first step
    learns; transformers has t/w there, whose first step changes nothing.

    Args:
        schedule: what follows the rise.
        warmup: share of the steps in which the rate rises, 0 ≤ warmup < 1.
        steps: of the phase.
        steps_an_epoch: of each of its epochs.

    >>> factor = factor_of(StepDecay(at=(2, 3), divide_by=5), warmup=0.1, steps=40,
    ...                    steps_an_epoch=10)
    >>> [round(factor(step), 3) for step in (0, 3, 19, 20, 29, 30, 39)]
    [0.25, 1.0, 1.0, 0.2, 0.2, 0.04, 0.04]
    """
    if schedule == "linear":
        return warm_up_then_fall(steps, warmup)
    rising = _rising(steps, warmup)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        if isinstance(schedule, StepDecay):
            divisions = sum(step >= epoch * steps_an_epoch for epoch in schedule.at)
            return float(schedule.divide_by**-divisions)
        return 1.0

    return factor


def warm_up_then_fall(steps: int, warmup: float) -> Factor:
    """The factor of the peak learning rate at each step: linear up, then linear down to zero.

    Up by (t + 1)/w, as in :func:`factor_of`.

    >>> factor = warm_up_then_fall(steps=10, warmup=0.2)
    >>> [factor(step) for step in (0, 1, 2, 6)]
    [0.5, 1.0, 1.0, 0.5]
    """
    rising = _rising(steps, warmup)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return (steps - step) / max(1, steps - rising)

    return factor


def _rising(steps: int, warmup: float) -> int:
    return max(1, round(warmup * steps)) if warmup else 0
