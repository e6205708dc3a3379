"""A study becomes a graph of runs: data, pre-training, teachers, and the arms themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
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
from trainers.pretraining import Denoising, MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Task

#: What tuning chose: hyper-parameters by arm and task, None where every setting failed.
Settings = Mapping[tuple[Place, str], Params | None]
Init = str | Path | EverySecondLayer | MaskedLanguageModelling | Denoising | Supervised


@dataclass(frozen=True)
class Plan:
    """A study's runs.

    Attributes:
        study: what was declared.
        runs: by key, each after those that it needs.
        cells: the key of every (arm, task, seed), in the order of `study.cells()`; "" where the
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
    cells: list[str] = []
    for task in study.tasks:
        for arm in study.arms:
            params = chosen.get((arm.place, task.name), {})
            failed = [""] * len(study.seeds)
            cells += failed if params is None else planner.arm_runs(arm, task, study.seeds, params)
    return Plan(study, planner.runs, tuple(cells))


R = TypeVar("R", bound="Run")


@dataclass(frozen=True)
class _Called:
    """What the runs of a series are called."""

    series: str
    role: str
    method: str
    suffix: str = ""


class Planner:
    """Collects runs by key, so that what several arms need is planned once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.runs: dict[str, Run] = {}

    def arm_runs(
        self,
        arm: Arm,
        task: Task,
        seeds: Sequence[int],
        params: Params,
        role: str = "arm",
        suffix: str = "",
    ) -> list[str]:
        """Plan cells of an arm; a run keeps the role "arm" although another may learn from it.

        Args:
            arm: as declared.
            task: what it is trained on.
            seeds: the replicates.
            params: the setting in place of what is declared.
            role: "arm" or "trial-seed".
            suffix: of the runs' names.

        Returns:
            The key of each replicate.
        """
        declared = self.study.training_of(arm, task)
        try:
            set_up = tuned(arm, declared, params)
            assert set_up.training is not None
            runs = self.train_runs(
                arm.model,
                arm.init,
                set_up.method,
                set_up.training.resolved(),
                task,
                seeds,
                _Called(self._called(arm, task), role, arm.name, suffix),
                declared.resolved(),
            )
        except (TrainerError, StudyError) as error:
            raise StudyError(f'arm "{arm.label}": {error}') from error
        self.runs.update((run.key, run) for run in runs)
        return [run.key for run in runs]

    def _called(self, arm: Arm, task: Task) -> str:
        """An arm as it is told from every other in the study, on every task."""
        models = {each.model.name for each in self.study.arms}
        model = f" · {arm.model.name}" if len(models) > 1 else ""
        return f"{arm.label}{model}{f' · {task.name}' if len(self.study.tasks) > 1 else ''}"

    def train_runs(
        self,
        model: Model,
        init: Init,
        method: Method,
        training: Training,
        task: Task,
        seeds: Sequence[int],
        called: _Called | None = None,
        teachers: Training | None = None,
    ) -> list[TrainRun]:
        """Plan training runs that differ in their seed alone, and all that they need.

        Args:
            model: what is trained.
            init: what it starts from.
            method: how.
            training: resolved settings.
            task: on what.
            seeds: the replicates.
            called: their name; None takes that of a teacher.
            teachers: settings of a teacher that has none of its own, where those of the student
                are tuned: one teacher then serves every setting.
        """
        checkpoint = model.start(init)
        init_name = init if isinstance(init, str) else init.name
        called = called or _Called(
            f"{model.name} · {method.name} · {init_name}", "teacher", method.name
        )
        needs = {"data": Need(self.data(task), "data")}
        if checkpoint is None and init != "scratch":
            body = model.pretraining if isinstance(init, str) else init
            assert not isinstance(body, Path | EverySecondLayer)  # they start from a checkpoint
            needs["body"] = Need(self.body(model, body, training, task), "weights")
        teacher = method.teacher_for(teachers or training)
        taught: Iterable[Need | None] = repeat(None, len(seeds))
        if teacher is not None:
            them = self.teacher_runs(teacher, model, init, teachers or training, task, seeds)
            taught = [Need(run, method.needs_from_teacher()) for run in them]
        first = TrainRun(
            name=called.series,
            called=called.series,
            role=called.role,
            needs=needs,
            task=task,
            model=model,
            method=method,
            training=training,
            seed=0,
            metric=self.study.metric_on(task),
            method_name=called.method,
            init_name=init_name,
            checkpoint=checkpoint,
        )
        return [
            self._add(first.at(seed, f"{called.series} · {seed}{called.suffix}", whom))
            for seed, whom in zip(seeds, taught, strict=True)
        ]

    def teacher_runs(
        self,
        teacher: Teacher,
        student: Model,
        init: Init,
        training: Training,
        task: Task,
        seeds: Sequence[int],
    ) -> list[TrainRun]:
        """The runs that students of some seeds learn from, on their own training sets."""
        # With splits of its own, every seed needs a teacher that saw the same training set.
        own = teacher.seed is None or task.per_seed
        runs = self.train_runs(
            student if isinstance(teacher.model, str) else teacher.model,
            init if teacher.init == "student" else teacher.init,
            teacher.method or Base(),
            (teacher.training or training).resolved(),
            task,
            seeds if own or teacher.seed is None else [teacher.seed],
        )
        return runs if own else runs * len(seeds)

    def body(
        self,
        model: Model,
        pretraining: MaskedLanguageModelling | Denoising | Supervised | None,
        training: Training,
        task: Task,
    ) -> Run:
        """The pre-training that a model starts from."""
        if pretraining is None:
            raise StudyError(f"{model.name} declares no pretraining.")
        if isinstance(pretraining, Supervised):
            settings = pretraining.training.resolved()
            check_savings(model, pretraining.task, settings)
            (run,) = self.train_runs(
                model, "scratch", Base(), settings, pretraining.task, [pretraining.seed]
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
