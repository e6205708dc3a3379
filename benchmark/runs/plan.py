"""A study becomes a graph of runs: data, pre-training, teachers, and the arms themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from benchmark.declare.arm import Arm, Place, tuned
from benchmark.declare.search import Params
from benchmark.declare.study import Study
from benchmark.errors import StudyError
from benchmark.runs.kinds import DataRun, Need, PretrainRun, Run, TrainRun
from trainers.errors import TrainerError
from trainers.methods import Base, Method, Teacher
from trainers.models import EverySecondLayer, Model
from trainers.models.savings import check_savings
from trainers.pretraining import MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Task

#: What tuning chose: hyper-parameters by arm and task, None where every setting failed.
Settings = Mapping[tuple[Place, str], Params | None]
Init = str | Path | EverySecondLayer | MaskedLanguageModelling | Supervised


@dataclass(frozen=True)
class Plan:
    """A study's runs.

    Attributes:
        study: what was declared.
        runs: by key, each after those that it needs.
        cells: the key of every (arm, task, seed), in the order of ``study.cells()``; "" where the
            arm's tuning failed.
    """

    study: Study
    runs: dict[str, Run]
    cells: tuple[str, ...]


def make_plan(study: Study, settings: Settings | None = None) -> Plan:
    """Lay out every run of a study's comparisons.

    Args:
        study: what was declared.
        settings: what tuning chose, by arm and task; None where it failed. Arms that are not
            there keep what was declared.

    Raises:
        StudyError: an arm asks for something that it cannot have.
    """
    planner, chosen = Planner(study), settings or {}
    cells = []
    for arm, task, seed in study.cells():
        params = chosen.get((arm.place, task.name), {})
        cells.append(planner.arm_run(arm, task, seed, params) if params is not None else "")
    return Plan(study, planner.runs, tuple(cells))


R = TypeVar("R", bound="Run")


class Planner:
    """Collects runs by key, so that what several arms need is planned once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.runs: dict[str, Run] = {}

    def arm_run(
        self, arm: Arm, task: Task, seed: int, params: Params, role: str = "arm", suffix: str = ""
    ) -> str:
        """Plan one cell; its run keeps the role "arm" although another may use it as a teacher.

        Args:
            arm: as declared.
            task: what it is trained on.
            seed: the replicate.
            params: the setting in place of what is declared.
            role: "arm" or "trial-seed".
            suffix: of the run's name.
        """
        declared = self.study.training_of(arm, task)
        try:
            set_up = tuned(arm, declared, params)
            assert set_up.training is not None
            run = self.train_run(
                arm.model,
                arm.init,
                set_up.method,
                set_up.training.resolved(),
                task,
                seed,
                declared.resolved(),
            )
        except (TrainerError, StudyError) as error:
            raise StudyError(f'arm "{arm.label}": {error}') from error
        called = self._called(arm, task)
        self.runs[run.key] = replace(
            run,
            role=role,
            method_name=arm.name,
            called=called,
            name=f"{called} · {seed}{suffix}",
        )
        return run.key

    def _called(self, arm: Arm, task: Task) -> str:
        """An arm as it is told from every other in the study, on every task."""
        models = {each.model.name for each in self.study.arms}
        model = f" · {arm.model.name}" if len(models) > 1 else ""
        return f"{arm.label}{model}{f' · {task.name}' if len(self.study.tasks) > 1 else ''}"

    def train_run(
        self,
        model: Model,
        init: Init,
        method: Method,
        training: Training,
        task: Task,
        seed: int,
        teachers: Training | None = None,
    ) -> TrainRun:
        """Plan a training run and all that it needs.

        Args:
            model: what is trained.
            init: what it starts from.
            method: how.
            training: resolved settings.
            task: on what.
            seed: the replicate.
            teachers: settings of a teacher that has none of its own, where those of the student
                are tuned: one teacher then serves every setting.
        """
        needs = {"data": Need(self.data(task), "data")}
        init_name = init if isinstance(init, str) else init.name
        checkpoint = model.start(init)
        if checkpoint is None and init != "scratch":
            body = model.pretraining if isinstance(init, str) else init
            assert not isinstance(body, Path | EverySecondLayer)  # they start from a checkpoint
            needs["body"] = Need(self.body(model, body, training, task), "weights")
        teacher = method.teacher_for(teachers or training)
        if teacher is not None:
            run = self.teacher_run(teacher, model, init, teachers or training, task, seed)
            needs["teacher"] = Need(run, "logits")
        called = f"{model.name} · {method.name} · {init_name}"
        return self._add(
            TrainRun(
                name=f"{called} · {seed}",
                called=called,
                role="teacher",
                needs=needs,
                task=task,
                model=model,
                method=method,
                training=training,
                seed=seed,
                metric=self.study.metric_on(task),
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
    ) -> Run:
        """The pre-training that a model starts from."""
        if pretraining is None:
            raise StudyError(f"{model.name} declares no pretraining.")
        if isinstance(pretraining, Supervised):
            settings = pretraining.training.resolved()
            check_savings(model, pretraining.task, settings)
            run = self.train_run(
                model, "scratch", Base(), settings, pretraining.task, pretraining.seed
            )
            self.runs[run.key] = replace(run, role="pretraining")
            return run
        needs = {"data": Need(self.data(task), "data")}
        name = f"pre-training {model.name}"
        return self._add(
            PretrainRun(name, "pretraining", needs, task, model, pretraining, training)
        )

    def data(self, task: Task) -> Run:
        """The preparation of a task."""
        return self._add(DataRun(f"preparing {task.name}", "data", {}, task))

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
