"""What is executed, cached, tracked and retried as one: preparation, pre-training, training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from benchmark.runs.identity import code_of, fingerprint_of, identity_of, reached_of
from benchmark.runs.key import Listed, Specification, key
from benchmark.runs.reach import alterations
from trainers import loop, metrics, seeding, text_metrics
from trainers.generation import writing
from trainers.inputs import batches
from trainers.methods import Method
from trainers.models import Checkpoint, Model
from trainers.pretraining import Denoising, MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Task

#: What a run leaves: something in the cache for another run, or scores on test in its record.
#: Only a cell of a comparison is ever asked for "test", so that nothing else opens test data.
#: "texts" are what a model writes for the training set.
#: "hidden" are predictions for texts whose labels only a server has: nothing here can be judged
#: by them.
Output = Literal["data", "weights", "logits", "texts", "features", "test", "hidden"]


@dataclass(frozen=True)
class Need:
    """What a run takes from another.

    Attributes:
        run: the other one.
        output: what it leaves.
    """

    run: Run
    output: Output

    @property
    def key(self) -> str:
        """Of the other one."""
        return self.run.key


@dataclass(frozen=True)
class Run:
    """What is executed, cached, tracked and retried as one.

    Attributes:
        name: for people, for instance "kd · pretrained · 42".
        role: "arm", "link", "teacher", "pretraining", "data", "features", "probe" or "trial-seed";
            not part of the key.
        needs: by role, what it takes from other runs.
        environment: in which it is trained, where the same run is recorded from another one.
    """

    name: str
    role: str
    needs: Mapping[str, Need]
    environment: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the specification."""
        here = {"environment": dict(self.environment)} if self.environment else {}
        return key(self.specification() | here | alterations.specification())

    @cached_property
    def packages(self) -> frozenset[str]:
        """Installed packages that the user's code in it calls, by the names of their modules."""
        found = [reached_of(each) for each in self.declared()]
        return frozenset().union(*(each.packages for each in (*found, alterations.altered())))

    @property
    def series(self) -> str:
        """What the runs that differ in their seed alone are called together."""
        return self.name

    @property
    def device(self) -> str:
        """Where it is trained."""
        return "cpu"

    def __getstate__(self) -> dict[str, Any]:
        """With what was looked up in code and data, which is not looked up again elsewhere."""
        _ = self.key, self.kind, self.packages
        if self.tracked:
            _ = self.tags(), self.parameters
        return self.__dict__

    def specification(self) -> dict[str, Any]:
        """Everything that determines the result."""
        raise NotImplementedError

    def declared(self) -> tuple[Any, ...]:
        """What of a study it is made from: whatever may be of the user's own classes."""
        raise NotImplementedError

    def tags(self) -> dict[str, str]:
        """What people search and group runs by."""
        raise NotImplementedError

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Hyper-parameters, flat, for the record."""
        raise NotImplementedError

    @property
    def tracked(self) -> bool:
        """Whether it is an MLflow run; prepared data are only cached."""
        return True

    @cached_property
    def kind(self) -> str:
        """A description shared by runs that take equally long; durations are looked up by it."""
        told = Specification(self.specification()).followed
        return key({k: v for k, v in told.items() if k not in ("seed", "teacher")})


@dataclass(frozen=True)
class DataRun(Run):
    """Preparing a task's data."""

    task: Task

    def specification(self) -> dict[str, Any]:
        """The fingerprint of the source data."""
        return {
            "data": type(self.task).__name__,
            "fingerprint": fingerprint_of(self.task),
            **code_of(self.task),
        }

    def declared(self) -> tuple[Any, ...]:
        """The task."""
        return (self.task,)

    @property
    def tracked(self) -> bool:
        """Prepared data can be deleted and made again; there is nothing to record."""
        return False


@dataclass(frozen=True)
class PretrainRun(Run):
    """Pre-training a body on a task's corpus."""

    task: Task
    model: Model
    pretraining: MaskedLanguageModelling | Denoising
    training: Training

    def specification(self) -> dict[str, Any]:
        """Corpus, architecture, settings, and what changes bits."""
        return {
            "corpus": fingerprint_of(self.task),
            "model": identity_of(self.model),
            "pretraining": self.pretraining,
            "machine": [self.training.device, self.training.precision, self.training.threads],
            "revisions": [seeding.REVISION],
            **self.training.savings(),
            **code_of((self.task, self.pretraining)),
        }

    @cached_property
    def fingerprint(self) -> str:
        """Of the source data."""
        return fingerprint_of(self.task)

    @property
    def device(self) -> str:
        """Of its settings."""
        return self.training.device

    def declared(self) -> tuple[Any, ...]:
        """Task, model and pre-training."""
        return (self.task, self.model, self.pretraining)

    def tags(self) -> dict[str, str]:
        """Model and task."""
        return {"model": self.model.name, "init": "scratch", "task": self.task.name} | {
            "method": self.pretraining.called,
            "seed": str(self.pretraining.seed),
            "data_fingerprint": self.fingerprint,
            **{f"needs.{role}": need.key for role, need in self.needs.items()},
        }

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Of the pre-training and the model."""
        return flat({"pretraining": self.pretraining.specification(), "model": self.model}) | {
            "device": self.training.device,
            "precision": self.training.precision,
            "threads": self.training.threads,
            **self.training.savings(),
        }


@dataclass(frozen=True)
class TrainRun(Run):
    """One arm, or a teacher, on one task at one seed.

    Attributes:
        method_name: what tables call the method; an arm may have a name of its own.
        init_name: what tables call the init.
        called: its name without the seed.
        checkpoint: weights on disk that the run starts from.
    """

    task: Task
    model: Model
    method: Method
    training: Training
    seed: int
    metric: str
    method_name: str
    init_name: str
    called: str
    checkpoint: Checkpoint | None = None

    @cached_property
    def packages(self) -> frozenset[str]:
        """Beside those that the user's code calls, what scores texts."""
        scoring = ("rouge_score", "sacrebleu") if self.task.writes == "text" else ()
        return super().packages | frozenset(scoring)

    @property
    def series(self) -> str:
        """Its name without the seed."""
        return self.called

    def specification(self) -> dict[str, Any]:
        """Task, model, init, method, settings, seed, and the keys of the runs it depends on."""
        return {
            **self._at_every_seed,
            "body": self.needs["body"].key if "body" in self.needs else None,
            "teacher": self.needs["teacher"].key if "teacher" in self.needs else None,
            "seed": self.seed,
        }

    @cached_property
    def _at_every_seed(self) -> dict[str, Any]:
        also = (text_metrics, writing) if self.task.writes == "text" else ()
        return {
            "task": identity_of(self.task),
            "model": identity_of(self.model),
            "checkpoint": self.checkpoint.identity if self.checkpoint else None,
            "method": identity_of(self.method),
            "training": identity_of(self.training),
            "metric": self.metric,
            "revisions": Listed(m.REVISION for m in (loop, batches, metrics, seeding, *also)),
        }

    def at(self, seed: int, name: str, teacher: Need | None, body: Need | None = None) -> TrainRun:
        """The same run at another seed, for which what holds at every seed is not found out again.

        Args:
            seed: the other one.
            name: what it is called.
            teacher: whom it learns from, in place of this one's.
            body: what it starts from, in place of this one's.
        """
        _ = self._at_every_seed, self.packages, self.kind, self.parameters  # are kept, and copied
        own = {"teacher": teacher, "body": body}
        needs = {**self.needs, **{role: need for role, need in own.items() if need}}
        made = object.__new__(TrainRun)
        made.__dict__.update(self.__dict__, seed=seed, name=name, needs=needs)
        made.__dict__.pop("key", None)
        return made

    @cached_property
    def fingerprint(self) -> str:
        """Of the source data."""
        return fingerprint_of(self.task)

    @property
    def device(self) -> str:
        """Of its settings."""
        return self.training.device

    def declared(self) -> tuple[Any, ...]:
        """Task, model, method and settings."""
        return (self.task, self.model, self.method, self.training)

    def tags(self) -> dict[str, str]:
        """The coordinates of the run in its study."""
        return {
            "model": self.model.name,
            "init": self.init_name,
            "method": self.method_name,
            "task": self.task.name,
            "seed": str(self.seed),
            "data_fingerprint": self.fingerprint,
            **{f"needs.{role}": need.key for role, need in self.needs.items()},
        }

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Of method, training, model and task."""
        return flat(
            {
                "method": self.method,
                "training": self.training.specification(),
                "model": self.model,
                "task": self.task,
            }
        )


def flat(groups: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters of several things that are declared, each under the name of its group."""
    return {
        f"{group}.{name}": value
        for group, declared in groups.items()
        for name, value in (
            declared if isinstance(declared, dict) else declared.specification()
        ).items()
        if name not in (group, "revision")
    }
