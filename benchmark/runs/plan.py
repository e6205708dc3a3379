"""A study becomes a graph of runs: data, pre-training, teachers, and the arms themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from benchmark.declare.arm import Arm, Place, tuned
from benchmark.declare.search import Params
from benchmark.declare.study import Study
from benchmark.errors import StudyError
from benchmark.runs.chained import Init, Link, require_same_body, settled
from benchmark.runs.kinds import DataRun, Need, PretrainRun, Run, TrainRun
from benchmark.runs.probed import ProbeCell, Probing
from trainers.errors import TrainerError
from trainers.methods import Base, Method, Teacher
from trainers.models import EverySecondLayer, Model
from trainers.models.savings import check_savings
from trainers.pretraining import Denoising, MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Task

#: What tuning chose: hyper-parameters by arm and task, None where every setting failed.
Settings = Mapping[tuple[Place, str], Params | None]


@dataclass(frozen=True)
class Plan:
    """A study's runs.

    Attributes:
        study: what was declared.
        runs: by key, each after those that it needs.
        cells: the key of every (arm, task, seed), in the order of `study.cells()`; "" where the
            arm's tuning failed.
        probes: of the encoders of these, and of anchors.
    """

    study: Study
    runs: dict[str, Run]
    cells: tuple[str, ...]
    probes: tuple[ProbeCell, ...] = ()

    @property
    def judged(self) -> tuple[str, ...]:
        """The keys of all runs whose scores are judged, each once."""
        keys = (*self.cells, *(probe.key for probe in self.probes))
        return tuple(dict.fromkeys(filter(None, keys)))


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
    probes: list[ProbeCell] = []
    for task in study.tasks:
        for arm in study.arms:
            params = chosen.get((arm.place, task.name), {})
            failed = [""] * len(study.seeds)
            keys = failed if params is None else planner.arm_runs(arm, task, study.seeds, params)
            probes += planner.probes(arm, task, keys)
            cells += keys
    return Plan(study, planner.runs, tuple(cells), tuple(dict.fromkeys(probes)))


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
                settled(self.study, arm),
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

    def probes(self, arm: Arm, task: Task, keys: Sequence[str]) -> list[ProbeCell]:
        """Plan the probes of an arm's encoders, by the keys of its runs at each seed."""
        if self.study.probes is None:
            return []
        runs = [self.runs.get(key) for key in keys]
        trained = [run if isinstance(run, TrainRun) else None for run in runs]
        return [*Probing(self.study, self._add, self.data).cells(arm, task, trained)]

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
        checkpoint = None if isinstance(init, Link) else model.start(init)
        init_name = init if isinstance(init, str) else init.name
        called = called or _Called(
            f"{model.name} · {method.name} · {init_name}", "teacher", method.name
        )
        needs = {"data": Need(self.data(task), "data")}
        before = self.links(model, init, task, seeds) if isinstance(init, Link) else []
        if before:
            needs["body"] = before[0]
        elif checkpoint is None and init != "scratch":
            assert not isinstance(init, Link)
            body = model.pretraining if isinstance(init, str) else init
            assert not isinstance(body, Path | EverySecondLayer)  # they start from a checkpoint
            needs["body"] = Need(self.body(model, body, training, task), "weights")
        teacher = method.teacher_for(teachers or training)
        none: list[Need | None] = [None] * len(seeds)
        taught: Iterable[Need | None] = none
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
            self._add(first.at(seed, f"{called.series} · {seed}{called.suffix}", whom, body))
            for seed, whom, body in zip(seeds, taught, before or none, strict=True)
        ]

    def links(self, model: Model, link: Link, task: Task, seeds: Sequence[int]) -> list[Need]:
        """What runs on a task start from: those of the same seeds on the task before it."""
        require_same_body(model, link.task, task)
        called = _Called(f"{model.name} · {link.called} · {link.name}", "link", link.called)
        how = link.method, link.training, link.task, seeds, called
        return [Need(run, "weights") for run in self.train_runs(model, link.init, *how)]

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
