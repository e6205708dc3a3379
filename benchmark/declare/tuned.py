"""A study's searches: what is tuned together, over what, and what a setting makes of an arm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

from benchmark.declare.arm import Arm, tuned
from benchmark.declare.search import FINALISTS, Search, Tuning, Value
from benchmark.errors import StudyError

if TYPE_CHECKING:
    from trainers.settings import Training
    from trainers.tasks import Task


class Tunable(Protocol):
    """What a search reads of a study."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        """All of them, with a search or without."""
        ...

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What they are trained on."""
        ...

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the comparison."""
        ...

    @property
    def training(self) -> Training:
        """Settings of arms that have none of their own."""
        ...

    @property
    def tuning(self) -> Tuning | None:
        """How arms are tuned, where that is declared."""
        ...

    @property
    def tuning_used(self) -> Tuning:
        """How arms are tuned."""
        ...

    def training_of(self, arm: Arm, task: Task) -> Training:
        """Settings of an arm on a task."""
        ...

    def metric_on(self, task: Task) -> str:
        """By which checkpoints and settings are selected."""
        ...


@dataclass(frozen=True)
class Searching:
    """One search: every setting that it tries is trained on all of its members.

    Attributes:
        name: for people, for instance "kd · pretrained".
        members: arms with the tasks that they are trained on.
        space: what is searched.
        trials: settings tried.
        lead: name of the search whose best settings are the only ones tried here.
    """

    name: str
    members: tuple[tuple[Arm, Task], ...]
    space: Search
    trials: int
    lead: str = ""


def searches(study: Tunable) -> tuple[Searching, ...]:
    """Every search of a study, each after the one that it takes its settings from."""
    tuning = study.tuning_used
    if tuning.protocol == "paper":
        return tuple(_paper(study, tuning))
    searched = [arm for arm in study.arms if arm.search]
    if tuning.per == "study" and searched:
        members = tuple((arm, task) for arm in searched for task in study.tasks)
        return (_search("all arms", members, _union(searched), tuning),)
    return tuple(each for arm in searched for each in _of_arm(arm, study, tuning) if arm.search)


def is_searched(study: Tunable) -> bool:
    """Whether anything in a study is to be tuned."""
    return any(arm.search for arm in study.arms)


def _of_arm(arm: Arm, study: Tunable, tuning: Tuning) -> Iterator[Searching]:
    assert arm.search is not None
    label = _label(arm, study)
    if tuning.per == "task":
        for task in study.tasks:
            name = f"{label} · {task.name}" if len(study.tasks) > 1 else label
            yield _search(name, ((arm, task),), arm.search, tuning)
    else:
        yield _search(label, tuple((arm, task) for task in study.tasks), arm.search, tuning)


def _paper(study: Tunable, tuning: Tuning) -> Iterator[Searching]:
    """The lead's search in each model and init, then its best settings on all arms there."""
    for lead in (arm for arm in study.arms if arm.name == tuning.lead and arm.search):
        assert lead.search is not None
        there = [a for a in study.arms if a.place[:2] == lead.place[:2]]
        for first in _of_arm(lead, study, tuning):
            yield first
            tasks = dict.fromkeys(task for _, task in first.members)
            yield Searching(
                name=f"{first.name}: its best on all arms",
                members=tuple((arm, task) for arm in there for task in tasks),
                space=lead.search,
                trials=min(FINALISTS, first.trials),
                lead=first.name,
            )


def _search(
    name: str, members: tuple[tuple[Arm, Task], ...], space: Search, tuning: Tuning
) -> Searching:
    points = space.size if tuning.sampler == "grid" else None
    trials = tuning.trials if points is None else min(tuning.trials, points)
    return Searching(name, members, space, trials)


def _label(arm: Arm, study: Tunable) -> str:
    models = {a.model.name for a in study.arms}
    return arm.label if len(models) == 1 else f"{arm.model.name} · {arm.label}"


def _union(arms: list[Arm]) -> Search:
    space: dict[str, Any] = {}
    for arm in arms:
        for name, among in arm.search.space if arm.search else ():
            if space.setdefault(name, among) != among:
                raise StudyError(
                    f'Tuning(per="study"): two arms search {name} over different values; one '
                    "setting for all needs one space."
                )
    return Search(**space)


def check_searches(study: Tunable) -> None:
    """Refuse at load what would fail after hours.

    Raises:
        StudyError: with the arm and the hyper-parameter.
    """
    tuning = study.tuning_used
    tuning.seeds_beside(study.seeds)
    searched = [arm for arm in study.arms if arm.search]
    if study.tuning is not None and not searched:
        raise StudyError("study: tuning is given, but no arm has a search=Search(...).")
    for task in study.tasks if searched else ():
        if not task.keeps_test_apart:
            raise StudyError(
                f"{task.name}: its splits are drawn anew for every seed, so that dev of a tuning "
                "seed holds test examples of the comparison; tune on a task with fixed splits."
            )
    if tuning.protocol == "paper" and searched:
        _check_paper(study, tuning)
    for arm in searched:
        _check_space(arm, study)
    if tuning.sampler == "grid" and any(a.search and a.search.size is None for a in searched):
        raise StudyError('Tuning: sampler="grid" needs lists of values; a Range has no grid.')
    for searching in searches(study):
        metrics = {study.metric_on(task) for _, task in searching.members}
        if len(metrics) > 1:
            raise StudyError(
                f"the search {searching.name} would average {' and '.join(sorted(metrics))}: give "
                'the study one metric, or use Tuning(per="task").'
            )


def _check_paper(study: Tunable, tuning: Tuning) -> None:
    for arm in study.arms:
        if arm.name != tuning.lead and arm.search:
            raise StudyError(
                f'arm "{arm.label}": protocol="paper" tunes "{tuning.lead}" alone; take its '
                "search away, or tune every arm with the default protocol."
            )
    leads = {a.place[:2] for a in study.arms if a.name == tuning.lead and a.search}
    for arm in study.arms:
        if arm.place[:2] not in leads:
            raise StudyError(
                f'arm "{arm.label}": protocol="paper" needs an arm "{tuning.lead}" with a search '
                f"of the same model and init."
            )


def _check_space(arm: Arm, study: Tunable) -> None:
    assert arm.search is not None
    known = {f.name for f in fields(study.training)} | set(arm.method.hyper_parameters())
    for name in arm.search.names:
        if name not in known:
            method = ", ".join(arm.method.hyper_parameters()) or "none"
            raise StudyError(
                f'arm "{arm.label}": its search names {name}, which neither {arm.method.name} '
                f"(it has: {method}) nor Training has."
            )
    for name, value in arm.search.extremes():
        for task in study.tasks:
            _check_value(arm, study, task, name, value)


def _check_value(arm: Arm, study: Tunable, task: Task, name: str, value: Value) -> None:
    from trainers.errors import TrainerError

    try:
        tried = tuned(arm, study.training_of(arm, task), {name: value})
        tried.method.check(tried.model, task)
        assert tried.training is not None
        tried.model.check(task, tried.training.max_length)
        tried.method.check_training(tried.model, task, tried.training)
    except TrainerError as error:
        raise StudyError(
            f'arm "{arm.label}": its search tries {name}={value!r}: {error}'
        ) from error
    if study.tuning_used.pruner == "asha":
        epochs = sum(phase.epochs for phase in tried.method.phases(tried.training))
        if epochs < 2:
            raise StudyError(
                f'arm "{arm.label}": pruner="asha" compares learning curves, and one epoch is '
                'none; train for 2 epochs or more, or use pruner="none".'
            )
