"""What a model learns with over a stretch of steps, and the best that it has come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from trainers.schedules import factor_of
from trainers.settings import Training
from trainers.steps.optimiser import make_optimiser
from trainers.steps.placing import copy_to_host


class Learner:
    """An optimiser and its schedule; the best weights are those of the model until some are chosen.

    Args:
        model: whose weights it moves.
        optimiser: at its peak rate.
        factor: of that rate at each step.
        steps: of the whole stretch.
    """

    def __init__(
        self, model: nn.Module, optimiser: Optimizer, factor: Callable[[int], float], steps: int
    ) -> None:
        self._model, self._optimiser, self._steps = model, optimiser, steps
        self._weights = [*model.parameters()]
        self._schedule = LambdaLR(optimiser, factor)
        self.best = -inf
        self.best_weights: Mapping[str, Tensor] | None = None

    @classmethod
    def of(
        cls,
        model: nn.Module,
        groups: list[dict[str, Any]],
        training: Training,
        steps: int,
        an_epoch: int,
    ) -> Learner:
        """As the settings ask for.

        Args:
            model: whose weights it moves.
            groups: of them.
            training: resolved settings.
            steps: of the whole stretch.
            an_epoch: steps of each of its epochs.
        """
        factor = factor_of(training.schedule, training.warmup, steps, an_epoch)
        return cls(model, make_optimiser(groups, training), factor, steps)

    @property
    def progress(self) -> float:
        """Share of the steps that are done, in [0, 1)."""
        return self._schedule.last_epoch / self._steps

    def step(self, clip: float | None) -> None:
        """Move the weights along the gradient that lies in them, and clear it.

        Args:
            clip: largest norm of the whole gradient; None leaves it as it is.
        """
        if clip is not None:
            nn.utils.clip_grad_norm_(self._weights, clip)
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad()

    def select(self, worth: float) -> None:
        """Keep the weights as they are now, in the memory of the machine."""
        now = self._model.state_dict().items()
        self.best, self.best_weights = worth, {name: copy_to_host(each) for name, each in now}

    def end(self) -> None:
        """Put the best weights into the model."""
        if self.best_weights is not None:
            self._model.load_state_dict(self.best_weights)

    def written(self) -> dict[str, Any]:
        """All but the best weights."""
        return {
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "best": self.best,
        }

    def go_on(self, written: Mapping[str, Any], best: Mapping[str, Tensor] | None) -> None:
        """Learn on from what was written, and from the best weights then."""
        self._optimiser.load_state_dict(written["optimiser"])
        self._schedule.load_state_dict(written["schedule"])
        self.best, self.best_weights = written["best"], best
