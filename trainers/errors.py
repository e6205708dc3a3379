"""Every error that training can meet, as one small tree."""

from __future__ import annotations


class TrainerError(Exception):
    """Something that a run needs is wrong; the message says what, where and what to do next."""


class TaskError(TrainerError):
    """A task is declared wrongly, or its data are missing or unfit.

    Attributes:
        faults: what is wrong, each with the way out; the message has one in a line.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class ModelError(TrainerError):
    """A model is declared wrongly, or its weights are missing or unfit."""


class MethodError(TrainerError):
    """A method is declared wrongly, or asks for something that the run does not have."""


class SettingsError(TrainerError):
    """A training setting is out of its range."""


class Diverged(TrainerError):  # noqa: N818 - the outcome of a run, and its status reason
    """The loss stopped being a finite number."""
