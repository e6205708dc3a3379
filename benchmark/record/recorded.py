"""A run as the record has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Tags of a run that was moved here, with its id where it was made; and with that of its parent.
ORIGIN, PARENT = "origin", "mlflow.parentRunId"
#: Tag of a run whose batches had to be in parts, for want of memory: in how many.
IN_PARTS = "micro_batches"
#: Tag of a run whose model was trained as one with others: with how many, itself among them.
STACKED = "stacked"


def half(identity: str) -> str:
    """What stands as the origin of a run that is being moved here."""
    return f"half of {identity}"


@dataclass(frozen=True)
class Recorded:
    """A run, as the record has it.

    Attributes:
        run_id: MLflow's.
        scores: by "split/metric", and what else was measured, by its name.
        seconds: from its start to its end, as far as that has come.
        kind: what it shares with runs that take equally long.
        tags: coordinates and provenance.
        experiment: MLflow's id of where it was made.
        status: "RUNNING", or how it ended.
        parameters: what it was made with, as texts.
        began: when, in seconds since 1970.
    """

    run_id: str
    scores: Mapping[str, float]
    seconds: float
    kind: str
    tags: Mapping[str, str]
    experiment: str = ""
    status: str = "FINISHED"
    parameters: Mapping[str, str] = field(default_factory=dict)
    began: float = 0.0

    @property
    def identity(self) -> str:
        """Its id where it was made, which it keeps wherever it is moved to."""
        return self.tags.get(ORIGIN, self.run_id)

    @property
    def called(self) -> str:
        """What people call it: "kd · pretrained · 42"."""
        return self.tags.get("mlflow.runName") or self.run_id

    @property
    def name(self) -> str:
        """What people call it, with its task: "kd · pretrained · 42 (sst5)"."""
        return f"{self.called} ({self.tags['task']})" if "task" in self.tags else self.called

    @property
    def cause(self) -> str:
        """How it ended, in a word: "diverged"; empty while it has not."""
        return self.tags.get("cause", "")

    @property
    def detail(self) -> str:
        """What else is to be said of that: "the loss was nan in epoch 1"."""
        return self.tags.get("detail", "")

    @property
    def reason(self) -> str:
        """How it ended, in a line: "diverged: the loss was nan in epoch 1"."""
        return self.tags.get("status_reason", self.status.lower())

    @property
    def needs(self) -> dict[str, str]:
        """The keys of the runs that it needed, by role; prepared data are no runs of the record."""
        found = {tag: key for tag, key in self.tags.items() if tag.startswith("needs.")}
        return {tag.removeprefix("needs."): found[tag] for tag in found if tag != "needs.data"}

    @property
    def is_tested(self) -> bool:
        """Whether it has scores on test; runs of tuning and teachers have none."""
        return any(name.startswith("test/") for name in self.scores)
