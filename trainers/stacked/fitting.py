"""Which runs may be trained as one, and why others may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trainers.loop import Fit
from trainers.methods import Method
from trainers.settings import Training
from trainers.stacked import model, texts

#: Settings that each run of a stack has for itself.
_OF_EACH: dict[str, Any] = {
    "lr": 1e-5,
    "warmup": 0.0,
    "weight_decay": 0.0,
    "clip": 1.0,
    "select": "best",
    "momentum": 0.0,
    "schedule": "linear",
}


def in_common(training: Training) -> Training:
    """The settings that all runs of a stack have to share, in place of the others the same ones."""
    return replace(training, **_OF_EACH)


def apart(method: Method, training: Training) -> str:
    """Why runs that are declared so are trained apart from others; empty where they need not be."""
    if reason := method.apart():
        return reason
    if training.savings():
        return f"it saves memory by {' and '.join(training.savings())}"
    if training.augmentation is not None:
        return "its images are augmented"
    return ""


def misfit(fits: Sequence[Fit]) -> str:
    """Why these runs, at their start, cannot be one; empty where they can."""
    reasons = [apart(fit.method, fit.training) for fit in fits]
    if any(reasons):
        return next(filter(None, reasons))
    if len({in_common(fit.training) for fit in fits}) > 1:
        return "their settings differ in what all have to share"
    if len({-(-len(fit.train_set) // fit.training.batch_size) for fit in fits}) > 1:
        return "their epochs have several numbers of steps"
    if len({sum(phase.epochs for phase in fit.method.phases(fit.training)) for fit in fits}) > 1:
        return "they have several numbers of epochs"
    sets = [each for fit in fits for each in (fit.train_set, fit.dev_set)]
    return model.apart([fit.model for fit in fits]) or texts.apart(sets)
