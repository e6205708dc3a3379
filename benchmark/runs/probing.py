"""Runs that look at an encoder without training it: its features on a task, and a probe on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.runs.identity import code_of, fingerprint_of, identity_of
from benchmark.runs.key import Listed, key
from benchmark.runs.kinds import Run, flat
from trainers import metrics, seeding
from trainers.inputs import batches
from trainers.models import Checkpoint, Model
from trainers.probing import features, linear, shape
from trainers.settings import Training
from trainers.tasks import Task


@dataclass(frozen=True)
class FeaturesRun(Run):
    """What a frozen encoder says of every example of a task; kept in the cache alone.

    Attributes:
        task: whose examples.
        model: what the encoder is of.
        training: device, threads and length of texts; nothing else of it matters.
        seed: of the split, and of what no weights are there for.
        checkpoint: weights on disk; those of a run are in its needs. Without either they are
            random.
    """

    task: Task
    model: Model
    training: Training
    seed: int
    checkpoint: Checkpoint | None = None

    @property
    def by_seed(self) -> bool:
        """Whether another seed would give other features of the same weights.

        The small stem of a model of images is drawn anew, whatever its checkpoint.
        """
        from_weights = self.checkpoint is not None or "body" in self.needs
        return self.task.per_seed or not from_weights or self.task.reads == "images"

    @property
    def series(self) -> str:
        """Those of a task have one row of a plan."""
        return f"features of {self.task.name}"

    def specification(self) -> dict[str, Any]:
        """Task, encoder, and what changes bits."""
        return {
            "features": identity_of(self.task),
            "model": identity_of(self.model),
            "body": self.needs["body"].key if "body" in self.needs else None,
            "checkpoint": self.checkpoint.identity if self.checkpoint else None,
            "max_length": self.training.max_length,
            "machine": [self.training.device, self.training.threads],
            "seed": self.seed if self.by_seed else None,
            "revisions": Listed(m.REVISION for m in (features, batches, seeding)),
        }

    def declared(self) -> tuple[Any, ...]:
        """Task and model."""
        return (self.task, self.model)

    @property
    def device(self) -> str:
        """Of its settings."""
        return self.training.device

    @property
    def tracked(self) -> bool:
        """They can be deleted and made again; what is recorded is the probe."""
        return False

    @cached_property
    def kind(self) -> str:
        """Shared by those of one task and model."""
        said = {"features": self.task.name, "model": identity_of(self.model)}
        return key(said | {"machine": [self.training.device, self.training.threads]})


@dataclass(frozen=True)
class ProbeRun(Run):
    """A linear probe of a frozen encoder on a task, and the shape of what the encoder says.

    It needs the "features", and as "reference" those of the encoder before all training.

    Attributes:
        task: what is probed.
        model: what the encoder is of.
        metric: chooses the penalty on dev.
        seed: of the encoder; None where all seeds share it.
        method_name: how the encoder was trained, or which anchor it is.
        init_name: what it has been through.
        body: key of the run that left its weights; empty where there is none.
    """

    task: Task
    model: Model
    metric: str
    seed: int | None
    method_name: str
    init_name: str
    body: str = ""

    @property
    def series(self) -> str:
        """Those of a task have one row of a plan."""
        return self.task_name

    @property
    def task_name(self) -> str:
        """What tables call it: a task is trained on under its own name."""
        return probe_of(self.task)

    def specification(self) -> dict[str, Any]:
        """Both features, and how the probe is fitted."""
        return {
            "probe": self.needs["features"].key,
            "reference": self.needs["reference"].key,
            "metric": self.metric,
            "penalties": linear.PENALTIES,
            "revisions": Listed(m.REVISION for m in (linear, shape, metrics)),
            **code_of(self.task),
        }

    def declared(self) -> tuple[Any, ...]:
        """The task."""
        return (self.task,)

    def tags(self) -> dict[str, str]:
        """The coordinates of the run in its study; the run behind its features is a need, too."""
        return {
            "model": self.model.name,
            "init": self.init_name,
            "method": self.method_name,
            "task": self.task_name,
            "seed": "all" if self.seed is None else str(self.seed),
            "data_fingerprint": fingerprint_of(self.task),
            **{f"needs.{role}": need.key for role, need in self.needs.items()},
            **({"needs.body": self.body} if self.body else {}),
        }

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Of the probe, the model and the task."""
        probe = {"metric": self.metric, "penalties": linear.PENALTIES}
        return flat({"probe": probe, "model": self.model, "task": self.task})

    @cached_property
    def kind(self) -> str:
        """Shared by those of one task and model."""
        return key({"probe": self.task_name, "model": identity_of(self.model)})


def probe_of(task: Task) -> str:
    """What tables call a task that is probed and not trained on."""
    return f"probe of {task.name}"
