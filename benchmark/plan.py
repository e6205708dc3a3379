"""A study becomes a graph of runs: data, pre-training, teachers, and the arms themselves."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from benchmark.errors import StudyError
from benchmark.key import folder_digest
from benchmark.runs import DataRun, Need, PretrainRun, Run, TrainRun
from benchmark.study import Arm, Study
from trainers.errors import TrainerError
from trainers.methods import Base, Method, Teacher
from trainers.models import Model
from trainers.pretraining import MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Task

Init = str | Path | MaskedLanguageModelling | Supervised


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
            self.runs[run.key] = replace(run, role="pretraining")
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
