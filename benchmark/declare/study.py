"""What a user declares: the study and its comparisons. Frozen, and checked when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchmark.declare.arm import Arm, check_name
from benchmark.declare.chains import After, links_of
from benchmark.declare.judging import check_judging
from benchmark.declare.limits import check_declared
from benchmark.declare.probes import Probes
from benchmark.declare.search import Tuning
from benchmark.declare.tuned import check_searches
from benchmark.errors import StudyError, Underpowered
from benchmark.user_code.faults import fault

if TYPE_CHECKING:
    from stats import Judging
    from trainers.methods import Method
    from trainers.models import Model
    from trainers.settings import Training
    from trainers.tasks import Task

#: The eight seeds of arXiv 2205.12428, in its order.
PAPER_SEEDS = (42, 549, 1237, 230, 805, 4653, 5589, 992)


@dataclass(frozen=True)
class Comparison:
    """Candidates against a baseline, by the names of their arms, within model, init and task.

    The name of a method that several arms share, and none has alone, stands for all of them.
    """

    baseline: str
    candidates: tuple[str, ...]

    def __init__(self, baseline: str, candidates: str | Sequence[str]) -> None:
        several = (candidates,) if isinstance(candidates, str) else candidates
        names = _several("comparison: candidates", several, '["ls", "kd"]')
        object.__setattr__(self, "baseline", baseline)
        object.__setattr__(self, "candidates", names)
        if not names:
            raise StudyError(f'comparison with "{baseline}": candidates is empty.')
        if baseline in names:
            raise StudyError(f'comparison: "{baseline}" cannot be its own candidate.')
        if len(set(names)) < len(names):
            raise StudyError(f'comparison with "{baseline}": a candidate is named twice.')


@dataclass(frozen=True)
class Study:
    """Arms × tasks × seeds, the comparisons to make, and the margin.

    Attributes:
        name: names the MLflow experiment.
        task: one task, or several.
        arms: what is compared; see :meth:`Arm.grid`.
        comparison: which arms against which.
        judging: by which test the scores are judged, on which metric, and the smallest difference
            that matters, all declared before the data are seen; without a margin no claim of
            equivalence is made.
        training: settings of every arm that has none of its own.
        task_training: settings in place of these on some tasks, by the task's name.
        probes: of the encoders that its runs leave; None for none.
        seeds: replicates; the default are the paper's eight.
        tuning: how arms with a search are tuned; None takes the defaults of :class:`Tuning`.
        allow_underpowered: run although the corrected test can never reach `alpha`.
    """

    name: str
    task: Task | tuple[Task, ...]
    arms: tuple[Arm, ...]
    comparison: Comparison
    judging: Judging
    training: Training
    seeds: tuple[int, ...] = PAPER_SEEDS
    tuning: Tuning | None = None
    task_training: Mapping[str, Training] | tuple[tuple[str, Training], ...] = ()
    probes: Probes | None = None
    allow_underpowered: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", _several("study: arms", self.arms, "[Arm(...), Arm(...)]"))
        object.__setattr__(
            self, "seeds", _several("study: seeds", self.seeds, "(1, 2, 3) or range(8)")
        )
        try:
            of_tasks = dict(self.task_training)
        except (TypeError, ValueError):
            raise StudyError(
                "study: task_training gives the Training of tasks by their names, as "
                f"{{'rte': Training(...)}}, not {self.task_training!r}."
            ) from None
        object.__setattr__(self, "task_training", tuple(of_tasks.items()))
        if isinstance(self.task, list):
            object.__setattr__(self, "task", tuple(self.task))
        check_declared(self)
        self._check_numbers()
        self._check_tasks()
        self._check_arms()
        self._check_comparison()
        self._check_power()
        check_searches(self)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks, always as a tuple."""
        return self.task if isinstance(self.task, tuple) else (self.task,)

    @property
    def chained_tasks(self) -> tuple[Task, ...]:
        """Those that arms are trained on before their own, each once."""
        links = (link for arm in self.arms for link in links_of(getattr(arm, "init", None)))
        return tuple(dict.fromkeys(link.task for link in links))

    @property
    def probed_tasks(self) -> tuple[Task, ...]:
        """Those that are probed, each once."""
        if self.probes is None:
            return ()
        return self.probes.named or tuple(dict.fromkeys((*self.chained_tasks, *self.tasks)))

    def training_of(self, arm: Arm, task: Task) -> Training:
        """The settings an arm is trained with on a task, not yet resolved for a machine."""
        return arm.training or dict(self.task_training).get(task.name) or self.training

    def metric_on(self, task: Task) -> str:
        """What is compared on a task."""
        return self.judging.metric or task.metric

    @property
    def tuning_used(self) -> Tuning:
        """How arms with a search are tuned."""
        return self.tuning or Tuning()

    def cells(self) -> Iterator[tuple[Arm, Task, int]]:
        """Every run of the comparison: arms × tasks × seeds."""
        return (
            (arm, task, seed) for task in self.tasks for arm in self.arms for seed in self.seeds
        )

    @property
    def family_size(self) -> int:
        """Comparisons that one correction covers."""
        within = len(self.comparison.candidates)
        if self.judging.family == "model-init-task":
            return within
        alone = 1 if self.judging.tasks else len(self.tasks)
        return sum(arm.name in self.comparison.candidates for arm in self.arms) * alone

    @property
    def n_pairs(self) -> int:
        """Pairs of each comparison: seeds, or for a verdict over sampled tasks the tasks."""
        return len(self.tasks if self.judging.unit == "task" else self.seeds)

    @property
    def smallest_p(self) -> float:
        """The smallest corrected p-value that so many pairs can reach."""
        from stats.attainable import smallest_attainable_p

        return smallest_attainable_p(
            self.n_pairs, self.family_size, self.judging.correction, self.judging.test
        )

    def _check_numbers(self) -> None:
        check_name(self.name, "study: name")
        check_judging(self.judging, len(self.tasks))
        if not hasattr(self.training, "resolved"):
            raise StudyError(f"study: training must be a Training(...), not {self.training!r}.")
        if self.probes is not None and not isinstance(self.probes, Probes):
            raise StudyError(f"study: probes must be Probes(...), not {self.probes!r}.")
        if self.tuning is not None and not isinstance(self.tuning, Tuning):
            raise StudyError(f"study: tuning must be a Tuning(...), not {self.tuning!r}.")
        if not self.seeds:
            raise StudyError("study: seeds is empty.")
        if any(not isinstance(s, int) or isinstance(s, bool) or s < 0 for s in self.seeds):
            raise StudyError(f"study: seeds must be whole numbers from 0, not {self.seeds!r}.")
        if len(set(self.seeds)) < len(self.seeds):
            raise StudyError("study: seeds holds the same seed twice.")

    def _check_tasks(self) -> None:
        if not self.tasks:
            raise StudyError("study: task is empty.")
        for task in self.tasks:
            if not hasattr(task, "prepare") or isinstance(task, type):
                raise StudyError(f"study: task must be a task such as Digits(), not {task!r}.")
        names = [task.name for task in dict.fromkeys((*self.tasks, *self.chained_tasks))]
        names += [task.name for task in self.tasks if self.tasks.count(task) > 1]
        for name in names:
            if names.count(name) > 1:
                raise StudyError(
                    f'study: two tasks are called "{name}", and tables could not tell them apart; '
                    "put them into studies of their own."
                )
        names += [task.name for task in self.probed_tasks]
        for name, training in dict(self.task_training).items():
            if name not in names:
                raise StudyError(
                    f'study: task_training names "{name}", and the tasks are '
                    f"{', '.join(dict.fromkeys(names))}."
                )
            if not hasattr(training, "resolved"):
                raise StudyError(
                    f'study: task_training of "{name}" must be a Training(...), not {training!r}.'
                )
        for task in (*self.tasks, *self.chained_tasks, *self.probed_tasks):
            metric, known = self.metric_on(task), task.metrics
            if metric not in known:
                whose = f", by which {task.name} is judged" if task.writes == "text" else ""
                raise StudyError(f'study: metric "{metric}" is none of {", ".join(known)}{whose}.')
            self._check_direction(metric, known[metric])

    def _check_direction(self, metric: str, higher: bool) -> None:
        declared = self.judging.lower_is_better
        if declared is not None and not isinstance(declared, bool):
            raise StudyError(
                f"study: lower_is_better must be True, False or None, not {declared!r}."
            )
        if declared is higher:
            raise StudyError(
                f'study: {"more" if higher else "less"} of "{metric}" is better, and '
                f"lower_is_better={declared} says otherwise; leave it out."
            )

    def _check_arms(self) -> None:
        if not self.arms:
            raise StudyError("study: arms is empty.")
        seen = set()
        for arm in self.arms:
            if not isinstance(arm, Arm):
                raise StudyError(f"study: arms holds {arm!r}, which is no Arm.")
            if arm.place in seen:
                raise StudyError(
                    f'arm "{arm.label}" of {arm.model.name} is declared twice; give one of them '
                    "a name=... of its own."
                )
            seen.add(arm.place)
        asked: set[tuple[int, ...]] = set()
        object.__setattr__(self, "arms", tuple(self._sound(arm, asked) for arm in self.arms))

    def _sound(self, arm: Arm, asked: set[tuple[int, ...]]) -> Arm:
        """The arm, or where its method's own code fails one that is named and not trained.

        Args:
            arm: as declared.
            asked: which models read which tasks; one is asked once, for it may open its files.
        """

        def ask() -> None:
            for task in self.tasks:
                self._check_arm(arm, task, asked)
            arm.method.specification()

        trouble = fault(ask)
        return replace(arm, method=arm.method.unsound(trouble)) if trouble else arm

    def _check_arm(self, arm: Arm, task: Task, asked: set[tuple[int, ...]]) -> None:
        from trainers.errors import TrainerError

        links = {replace(each, init="scratch"): None for each in links_of(arm.init)}  # each once
        runs = [
            (
                each.method or arm.method,
                each.task,
                each.training or self.training_of(arm, each.task),
            )
            for each in (*links, After(task))
        ]
        read = [(each, training.max_length) for _, each, training in runs]
        read += [(each, self.training_of(arm, each).max_length) for each in self.probed_tasks]
        try:
            self._check_classes(links)
            for each, length in read:
                if (question := (id(arm.model), id(each), length)) not in asked:
                    _check_writes(arm.model, each)
                    arm.model.check(each, length)
                    asked.add(question)
            for method, each, training in runs:
                _check_run(arm.model, method, each, training)
        except (TrainerError, StudyError) as error:
            raise StudyError(f'arm "{arm.label}": {error}') from error

    def _check_classes(self, links: Iterable[After]) -> None:
        """Refuse chains and probes of texts that are written: both are of encoders."""
        asked = [("a chain", each.task) for each in links]
        asked += [("a chain", task) for task in self.tasks if asked]
        asked += [("a probe", task) for task in self.probed_tasks]
        asked += [("a probe", task) for task in self.tasks if self.probes]
        for what, task in asked:
            if task.writes == "text":
                raise StudyError(
                    f"{what} is of encoders that give classes, and {task.name} asks for a text."
                )

    def _check_comparison(self) -> None:
        names = {arm.name for arm in self.arms}
        object.__setattr__(self, "comparison", self._named_each())
        for name in (self.comparison.baseline, *self.comparison.candidates):
            if name not in names:
                raise StudyError(
                    f'comparison: there is no arm "{name}" among {", ".join(sorted(names))}.'
                )
        inits = {arm.init_name for arm in self.arms}
        reference = self.judging.reference_init
        if reference not in (None, *inits):
            raise StudyError(
                f'study: reference_init "{reference}" is no init of its arms, which are '
                f"{', '.join(sorted(inits))}."
            )

    def _named_each(self) -> Comparison:
        """The comparison with the arms of a method in place of its name."""
        baseline, candidates = self.comparison.baseline, self.comparison.candidates
        methods: dict[str, list[str]] = {}
        for arm in self.arms:
            if arm.name != baseline:
                methods.setdefault(arm.method.name, []).append(arm.name)
        names = {arm.name for arm in self.arms}
        each = [[n] if n in names else methods.get(n, [n]) for n in candidates]
        return Comparison(baseline, tuple(dict.fromkeys(name for some in each for name in some)))

    def _check_power(self) -> None:
        if self.allow_underpowered or self.smallest_p < self.judging.alpha:
            return
        from stats.attainable import seeds_needed_for_alpha

        judging = self.judging
        asked = self.family_size, judging.correction, judging.test
        needed = seeds_needed_for_alpha(judging.alpha, *asked)
        pairs = f"{judging.unit}s"
        raise Underpowered(
            f"study: {self.n_pairs} {pairs} can never reach α = {judging.alpha:g}: the smallest "
            f"corrected p over a family of {self.family_size} is {self.smallest_p:.4g}. Take "
            f"{needed} {pairs} or more, compare fewer candidates, or set allow_underpowered=True."
        )


def _check_run(model: Model, method: Method, task: Task, training: Training) -> None:
    """Refuse what a method cannot do with a model on a task that it reads."""
    method.check(model, task)
    teacher = method.required_teacher(training)
    by_logits = teacher is not None and method.needs_from_teacher() == "logits"
    training.check(task.reads, taught=by_logits)
    method.check_training(model, task, training)
    if teacher is None or isinstance(teacher.model, str):
        return
    _check_writes(teacher.model, task)
    teacher.model.check(task, (teacher.training or training).max_length)
    if teacher.init == "pretrained" and not teacher.model.is_pretrained:
        raise StudyError(
            f"its teacher {teacher.model.name} declares no pretraining; give the "
            'model pretraining=... or Teacher(model, init="scratch").'
        )


def _check_writes(model: Model, task: Task) -> None:
    """Refuse a classifier where a text is asked for, and the other way round."""
    if task.writes in model.writes:
        return
    if task.writes == "text":
        raise StudyError(
            f"{model.name} gives classes, and {task.name} asks for a text: take an EncoderDecoder, "
            "or a HubModel of the type BART, T5, MarianMT or GPT-2."
        )
    raise StudyError(f"{model.name} writes texts, and {task.name} asks for classes: take a Bert.")


def _several(what: str, value: object, example: str) -> tuple[Any, ...]:
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise StudyError(f"{what} must be several, as {example}, not {value!r}.")
    return tuple(value)
