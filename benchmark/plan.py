"""A study becomes a graph of runs: data, pre-training, teachers, and the arms themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from benchmark.errors import StudyError
from benchmark.key import folder_digest, key, source_digest
from benchmark.study import Arm, Study
from trainers import batches, loop, metrics, seeding
from trainers.errors import TrainerError
from trainers.methods import Base, Method, Teacher
from trainers.models import Model
from trainers.pretraining import MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Task

#: What one run leaves in the cache for another.
Output = Literal["data", "weights", "logits"]

Init = str | Path | MaskedLanguageModelling | Supervised


@dataclass(frozen=True)
class Need:
    """What a run takes from another."""

    key: str
    output: Output


@dataclass(frozen=True)
class Run:
    """What is executed, cached, tracked and retried as one.

    Attributes:
        name: for people, for instance "kd · pretrained · 42".
        role: "arm", "teacher", "pretraining" or "data"; not part of the key.
        needs: by role, what it takes from other runs.
    """

    name: str
    role: str
    needs: Mapping[str, Need]

    @cached_property
    def key(self) -> str:
        """SHA-256 of the specification."""
        return key(self.specification())

    def specification(self) -> dict[str, Any]:
        """Everything that determines the result."""
        raise NotImplementedError

    def tags(self) -> dict[str, str]:
        """What people search and group runs by."""
        raise NotImplementedError

    def parameters(self) -> dict[str, Any]:
        """Hyper-parameters, flat, for the record."""
        raise NotImplementedError

    @property
    def tracked(self) -> bool:
        """Whether it is an MLflow run; prepared data are only cached."""
        return True

    @property
    def kind(self) -> str:
        """A description shared by runs that take equally long; durations are looked up by it."""
        return key({k: v for k, v in self.specification().items() if k not in ("seed", "teacher")})


@dataclass(frozen=True)
class DataRun(Run):
    """Preparing a task's data."""

    task: Task

    def specification(self) -> dict[str, Any]:
        """The fingerprint of the source data."""
        return {"data": type(self.task).__name__, "fingerprint": _fingerprint(self.task)}

    @property
    def tracked(self) -> bool:
        """Prepared data can be deleted and made again; there is nothing to record."""
        return False


@dataclass(frozen=True)
class PretrainRun(Run):
    """Pre-training a body on a task's corpus."""

    task: Task
    model: Model
    pretraining: MaskedLanguageModelling
    training: Training

    def specification(self) -> dict[str, Any]:
        """Corpus, architecture, settings, and what changes bits."""
        return {
            "corpus": _fingerprint(self.task),
            "model": _identity(self.model),
            "pretraining": self.pretraining,
            "machine": [self.training.device, self.training.precision, self.training.threads],
            "revisions": [seeding.REVISION],
        }

    def tags(self) -> dict[str, str]:
        """Model and task."""
        return {"model": self.model.name, "init": "scratch", "task": self.task.name} | {
            "method": "masked language modelling",
            "seed": str(self.pretraining.seed),
            "data_fingerprint": _fingerprint(self.task),
        }

    def parameters(self) -> dict[str, Any]:
        """Of the pre-training and the model."""
        return _flat({"pretraining": self.pretraining.specification(), "model": self.model}) | {
            "device": self.training.device,
            "precision": self.training.precision,
            "threads": self.training.threads,
        }


@dataclass(frozen=True)
class TrainRun(Run):
    """One arm, or a teacher, on one task at one seed.

    Attributes:
        method_name: what tables call the method; an arm may have a name of its own.
        init_name: what tables call the init.
        checkpoint: a folder of the user's that the weights start from, with its digest.
    """

    task: Task
    model: Model
    method: Method
    training: Training
    seed: int
    metric: str
    method_name: str
    init_name: str
    checkpoint: tuple[Path, str] | None = None

    def specification(self) -> dict[str, Any]:
        """Task, model, init, method, settings, seed, and the keys of the runs it depends on."""
        return {
            "task": _identity(self.task),
            "model": _identity(self.model),
            "body": self.needs["body"].key if "body" in self.needs else None,
            "checkpoint": self.checkpoint[1] if self.checkpoint else None,
            "method": _identity(self.method),
            "training": self.training.specification(),
            "teacher": self.needs["teacher"].key if "teacher" in self.needs else None,
            "seed": self.seed,
            "metric": self.metric,
            "revisions": [m.REVISION for m in (loop, batches, metrics, seeding)],
        }

    def tags(self) -> dict[str, str]:
        """The coordinates of the run in its study."""
        return {
            "model": self.model.name,
            "init": self.init_name,
            "method": self.method_name,
            "task": self.task.name,
            "seed": str(self.seed),
            "data_fingerprint": _fingerprint(self.task),
        }

    def parameters(self) -> dict[str, Any]:
        """Of method, training and model."""
        return _flat(
            {"method": self.method, "training": self.training.specification(), "model": self.model}
        )


@cache
def _fingerprint(task: Task) -> str:
    return task.fingerprint()


@cache
def _identity(declared: Any) -> dict[str, Any]:
    """A specification, with the source of classes that are the user's own."""
    specification: dict[str, Any] = declared.specification()
    source = source_digest(declared)
    return specification | ({"source": source} if source else {})


def _flat(groups: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{group}.{name}": value
        for group, declared in groups.items()
        for name, value in (
            declared if isinstance(declared, dict) else declared.specification()
        ).items()
        if name not in (group, "revision")
    }


@dataclass(frozen=True)
class Plan:
    """A study's runs.

    Attributes:
        study: what was declared.
        runs: by key, each after those that it needs.
        cells: the key of every (arm, task, seed), in the order of ``study.cells()``.
    """

    study: Study
    runs: dict[str, Run]
    cells: tuple[str, ...]


def make_plan(study: Study) -> Plan:
    """Lay out every run of a study.

    Raises:
        StudyError: an arm asks for something that it cannot have.
    """
    planner = _Planner(study)
    cells = []
    for arm, task, seed in study.cells():
        try:
            cells.append(planner.arm_run(arm, task, seed))
        except (TrainerError, StudyError) as error:
            raise StudyError(f'arm "{arm.label}": {error}') from error
    return Plan(study, planner.runs, tuple(cells))


R = TypeVar("R", bound="Run")


class _Planner:
    """Collects runs by key, so that what several arms need is planned once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.runs: dict[str, Run] = {}

    def arm_run(self, arm: Arm, task: Task, seed: int) -> str:
        """Plan one cell; its run keeps the role "arm" although another may use it as a teacher."""
        training = self.study.training_of(arm).resolved()
        run = self.train_run(arm.model, arm.init, arm.method, training, task, seed)
        self.runs[run.key] = replace(
            run, role="arm", method_name=arm.name, name=f"{arm.label} · {seed}"
        )
        return run.key

    def train_run(
        self, model: Model, init: Init, method: Method, training: Training, task: Task, seed: int
    ) -> TrainRun:
        """Plan a training run and all that it needs."""
        needs = {"data": Need(self.data(task), "data")}
        checkpoint = None
        if isinstance(init, Path):
            init_name, checkpoint = init.name, (init, folder_digest(init))
        elif init == "scratch":
            init_name = "scratch"
        else:
            body = model.pretraining if isinstance(init, str) else init
            init_name = "pretrained" if isinstance(init, str) else init.name
            needs["body"] = Need(self.body(model, body, training, task), "weights")
        teacher = method.teacher_for(training)
        if teacher is not None:
            run = self.teacher_run(teacher, model, init, training, task, seed)
            needs["teacher"] = Need(run.key, "logits")
        return self._add(
            TrainRun(
                name=f"{model.name} · {method.name} · {init_name} · {seed}",
                role="teacher",
                needs=needs,
                task=task,
                model=model,
                method=method,
                training=training,
                seed=seed,
                metric=self.study.metric or task.metric,
                method_name=method.name,
                init_name=init_name,
                checkpoint=checkpoint,
            )
        )

    def teacher_run(
        self,
        teacher: Teacher,
        student: Model,
        init: Init,
        training: Training,
        task: Task,
        seed: int,
    ) -> TrainRun:
        """The run whose logits a student learns from, on the student's own training set."""
        # With splits of its own, every seed needs a teacher that saw the same training set.
        own = teacher.seed is None or task.per_seed
        return self.train_run(
            student if isinstance(teacher.model, str) else teacher.model,
            init if teacher.init == "student" else teacher.init,
            teacher.method or Base(),
            (teacher.training or training).resolved(),
            task,
            seed if own or teacher.seed is None else teacher.seed,
        )

    def body(
        self,
        model: Model,
        pretraining: MaskedLanguageModelling | Supervised | None,
        training: Training,
        task: Task,
    ) -> str:
        """The pre-training that a model starts from."""
        if pretraining is None:
            raise StudyError(f"{model.name} declares no pretraining.")
        if isinstance(pretraining, Supervised):
            settings = pretraining.training.resolved()
            run = self.train_run(
                model, "scratch", Base(), settings, pretraining.task, pretraining.seed
            )
            return run.key
        needs = {"data": Need(self.data(task), "data")}
        name = f"pre-training {model.name}"
        return self._add(
            PretrainRun(name, "pretraining", needs, task, model, pretraining, training)
        ).key

    def data(self, task: Task) -> str:
        """The prepared folder of a task."""
        return self._add(DataRun(f"preparing {task.name}", "data", {}, task)).key

    def _add(self, run: R) -> R:
        self.runs.setdefault(run.key, run)
        return run


def dependants(plan: Plan) -> dict[str, list[str]]:
    """For each run, those that need it directly."""
    found: dict[str, list[str]] = {k: [] for k in plan.runs}
    for k, run in plan.runs.items():
        for need in run.needs.values():
            found[need.key].append(k)
    return found
