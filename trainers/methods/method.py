"""The interface of a method: what it may decide about a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from inspect import isfunction
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from trainers.errors import MethodError
from trainers.methods.step import Step
from trainers.models.ordinary import plain
from trainers.models.savings import check_savings
from trainers.resolve.folders import settled
from trainers.settings import Training, is_number
from trainers.steps.optimiser import decay_groups

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task

#: What a method may override that does no more in a run than compare logits.
_OF_LOGITS = frozenset(
    {
        *("__init__", "__post_init__", "__eq__", "__hash__", "__repr__", "__setattr__"),
        *("__delattr__", "__replace__", "check", "conflict", "whole_batch", "apart", "teacher_for"),
        *(
            "phases",
            "loss",
            "counted_steps",
            "hyper_parameters",
            "with_hyper_parameters",
            "specification",
        ),
    }
)


@dataclass(frozen=True)
class Phase:
    """A stretch of training with an optimiser and a schedule of its own.

    A phase starts from the checkpoint that the phase before it selected.
    """

    epochs: int
    name: str = "train"


@dataclass(frozen=True)
class Teacher:
    """The run that a method learns from: its logits, or the model that it ends with.

    Attributes:
        model: its architecture; "student" means the student's own.
        init: what it starts from; "student" means the student's own.
        method: how it is trained.
        training: its settings; None means the student's.
        seed: its seed; None means the student's, so that every seed has a teacher of its own.
    """

    model: Model | str = "student"
    init: Any = "pretrained"
    method: Method | None = None
    training: Training | None = None
    seed: int | None = 0

    def __post_init__(self) -> None:
        if self.model != "student" and not hasattr(self.model, "specification"):
            raise MethodError(
                f'a teacher\'s model must be a model such as Bert(), or "student", '
                f"not {self.model!r}."
            )
        if isinstance(self.init, Path):
            object.__setattr__(self, "init", settled(self.init, is_file=True))
        if isinstance(self.model, type):
            raise MethodError(f"a teacher's model must be an instance: {self.model.__name__}(...).")
        if isinstance(self.init, str) and self.init not in ("student", "pretrained", "scratch"):
            raise MethodError(
                f'a teacher\'s init must be "pretrained", "scratch", "student", a Path or a '
                f"pre-training, not {self.init!r}."
            )


@dataclass(frozen=True)
class Method:
    """How a model is trained; subclass it as a frozen dataclass and override what it decides.

    The fields of the subclass are its hyper-parameters. Every hook has a default; the loop calls
    them in the order in which they stand here. What a step minimises is `loss`, which compares
    the logits with the labels, plus `penalty`. `a + b` composes two methods, see
    :class:`~trainers.methods.composition.Composition`.
    """

    #: Short name for tables, flags and tags.
    name: ClassVar[str]
    #: Raised when the same hyper-parameters would train otherwise.
    revision: ClassVar[int] = 1

    #: Why it makes no sense where texts are to be written; empty where it does.
    unfit_for_texts: ClassVar[str] = ""

    #: What `a + b` is; :mod:`trainers.methods.composition` says it.
    composed: ClassVar[Callable[[Method, Method], Method]]

    def check(self, model: Model, task: Task) -> None:
        """Called when a study is loaded: raise MethodError for what cannot work together."""

    def conflict(self, other: Method) -> str:
        """Why it makes no sense beside another part of a composition; empty where it does."""
        return ""

    def whole_batch(self) -> str:
        """Why it needs a batch at once and cannot take it in micro-batches; empty where it can.

        It can where loss and penalty are means over the examples. A gradient of its own making may
        be no sum, so that who overrides `backward` says that it is by overriding this.
        """
        own = type(self).backward is not Method.backward
        return "it makes the gradient of a step in its own way" if own else ""

    def apart(self) -> str:
        """Why a run of it cannot be one of several that are trained as one; empty where it can.

        It can where it overrides nothing by which it would do more in a run than compare logits
        with labels and a teacher's logits; a loss that takes more of a step has to say so here.
        """
        hooks = (hook for hook, value in vars(Method).items() if isfunction(value))
        own = [h for h in hooks if h not in _OF_LOGITS and _overrides(type(self), h)]
        return f"it does more than compare logits ({', '.join(own)})" if own else ""

    def check_training(self, model: Model, task: Task, training: Training) -> None:
        """Refuse what would come to nothing, or save memory and come to something else.

        Not to be overridden.

        Raises:
            MethodError: the method makes no sense for the task, or it or that of its teacher needs
                the whole batch.
            ModelError: their models need what is saved.
        """
        if task.writes == "text" and self.unfit_for_texts:
            raise MethodError(
                f"{self.name} is not for tasks from text to text such as {task.name}: "
                f"{self.unfit_for_texts}."
            )
        if training.accumulate > 1 and (reason := self.whole_batch()):
            raise MethodError(
                f"{self.name} needs the whole batch at once: {reason}. Train it with accumulate=1."
            )
        check_savings(model, task, training)
        if teacher := self.teacher_for(training):
            its_model = model if isinstance(teacher.model, str) else teacher.model
            its_training = teacher.training or training
            check_savings(its_model, task, its_training)
            if teacher.method:
                teacher.method.check_training(its_model, task, its_training)

    def teacher_for(self, training: Training) -> Teacher | None:
        """The teacher that a student trained with these settings needs, if any."""
        return None

    def needs_from_teacher(self) -> Literal["logits", "weights", "texts"]:
        """What its teacher's run has to leave: logits on the training set, or all its weights.

        Where texts are to be written it may be the texts that the teacher writes for the training
        set, which then stand in the place of its own.

        With weights the teacher is a model that is asked in every step: `meet_teacher` gets it, and
        `step.teacher_logits` are what it says of the batch as it is seen.
        """
        return "logits"

    def phases(self, training: Training) -> tuple[Phase, ...]:
        """How the run is divided; only the last phase's checkpoints are scored."""
        return (Phase(training.epochs),)

    def required_teacher(self, training: Training) -> Teacher | None:
        """What `teacher_for` says, once that and `phases` are looked at; not to be overridden.

        Raises:
            MethodError: one of them returns something else than it should.
        """
        phases, teacher = self.phases(training), self.teacher_for(training)
        if not isinstance(phases, tuple) or not phases or not all(map(_is_phase, phases)):
            raise MethodError(
                f"{type(self).__name__}.phases must return a tuple of Phase(epochs), of at least "
                f"one epoch each, not {phases!r}."
            )
        if teacher is not None and not isinstance(teacher, Teacher):
            raise MethodError(
                f"{type(self).__name__}.teacher_for must return a Teacher(...) or None, "
                f"not {teacher!r}."
            )
        return teacher

    def unsound(self, trouble: str) -> Method:
        """What stands for it where its own code fails, and is not trained; not to be overridden."""
        given = tuple((f.name, getattr(self, f.name)) for f in fields(self))
        return Unsound(self.name, trouble, given)

    def meet_teacher(self, model: nn.Module, teacher: nn.Module, state: SimpleNamespace) -> None:
        """Called before `prepare` where the teacher's weights are needed.

        Args:
            model: the student, at its start.
            teacher: frozen and in evaluation mode, of this run alone.
            state: what the method keeps.
        """

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Change the model before its first step: reparametrise, replace or freeze modules.

        What it draws from torch's global generator is decided by the seed.
        """

    def parameter_groups(self, model: nn.Module, training: Training) -> list[dict[str, Any]]:
        """The optimiser's groups; by default biases and normalisation weights do not decay."""
        return decay_groups(model, training.weight_decay)

    def before_step(self, step: Step) -> None:
        """Called before the step's first pass: what its hooks on the model need to know."""

    def before_micro_batch(self, step: Step) -> None:
        """Called before the first pass of each micro-batch, also where there is but one.

        Steps that `before_step` and `after_step` are given are of the whole batch; this one is
        that of which loss, penalty and gradient are asked next.
        """

    def loss(self, step: Step) -> Tensor:
        """What compares `step.logits` with the labels; by default cross-entropy."""
        return F.cross_entropy(step.logits, step.labels)

    def penalty(self, step: Step) -> Tensor | float:
        """What is added to the loss, of whichever method that is; nothing by default.

        For the loss of a further pass ask `step.label_loss(logits)`.
        """
        return 0.0

    def objective(self, step: Step) -> Tensor:
        """Loss plus penalty; not meant to be overridden.

        Raises:
            MethodError: they are not one number that the weights can learn from.
        """
        total = self._told("loss", self.loss(step)) + self._told("penalty", self.penalty(step))
        if step.logits.requires_grad and not getattr(total, "requires_grad", False):
            raise MethodError(
                f"{type(self).__name__}: its loss does not depend on the weights; it may have been "
                "detached, or computed without gradients."
            )
        return total  # type: ignore[no-any-return]

    def _told(self, hook: str, value: Any) -> Any:
        """What a hook returned, if it is one number."""
        if isinstance(value, int | float) or (isinstance(value, Tensor) and value.numel() == 1):
            return value
        what = f"a tensor of shape {(*value.shape,)}" if isinstance(value, Tensor) else repr(value)
        code = getattr(getattr(type(self), hook), "__code__", None)
        where = f" ({Path(code.co_filename).name}:{code.co_firstlineno})" if code else ""
        raise MethodError(
            f"{type(self).__name__}.{hook}{where} returned {what} in place of one number, a tensor "
            "without dimensions."
        )

    def backward(self, step: Step) -> Tensor:
        """Leave the gradient of `step.objective()` in the parameters and return it, detached."""
        loss = step.objective()
        loss.backward()
        return loss.detach()

    def after_step(self, step: Step) -> None:
        """Called after the optimiser's step: masks, moving averages."""

    def is_selectable(self, state: SimpleNamespace) -> bool:
        """Whether the weights may be the run's result as they are; asked after every epoch.

        Where no epoch of a phase may be selected, the phase ends with its last weights.
        """
        return True

    def finish(self, model: nn.Module, state: SimpleNamespace) -> nn.Module:
        """The model as it is scored, kept and exported: an ordinary one of its architecture.

        By default the model itself or, where weights are reparametrised, a copy in which they are
        what they come to. The model is to be left as it is: the run may have to go on from it.
        """
        return plain(model)

    def counted_steps(self) -> int:
        """Over how many steps what a step costs is averaged; more than one where chance decides."""
        return 1

    def __add__(self, other: Method) -> Method:
        """Both at once.

        Raises:
            MethodError: they exclude each other; with the reason.
        """
        return self.composed(other)

    def hyper_parameters(self) -> dict[str, Any]:
        """By the names that a search knows them by."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def with_hyper_parameters(self, values: Mapping[str, Any]) -> Method:
        """The same method with other values.

        Raises:
            MethodError: a value that it refuses.
        """
        return replace(self, **values)

    def specification(self) -> dict[str, Any]:
        """Name, revision and hyper-parameters, for the key of a run."""
        return {
            "method": self.name,
            "revision": self.revision,
            **{f.name: getattr(self, f.name) for f in fields(self)},
        }


@dataclass(frozen=True)
class Unsound(Method):
    """Stands for a method whose own code fails where a study is laid out: named, never trained.

    Attributes:
        name: of the method that it stands for.
        trouble: what its code did, with the line.
        given: names of its hyper-parameters, with what was declared.
    """

    name: str  # type: ignore[misc]
    trouble: str
    given: tuple[tuple[str, Any], ...] = ()

    def hyper_parameters(self) -> dict[str, Any]:
        """Those of the method, which a search names."""
        return dict(self.given)

    def with_hyper_parameters(self, values: Mapping[str, Any]) -> Method:
        """The same, whatever the setting."""
        return self

    def specification(self) -> dict[str, Any]:
        """What its code did; a run of this key is never trained."""
        return {"method": self.name, "revision": self.revision, "trouble": self.trouble}


def _overrides(method: type[Method], hook: str) -> bool:
    return getattr(method, hook) is not getattr(Method, hook)


def _is_phase(value: object) -> bool:
    return isinstance(value, Phase) and isinstance(value.epochs, int) and value.epochs >= 1


def refuse_negative(method: Method, *names: str) -> None:
    """Refuse hyper-parameters that are no finite number from 0 on.

    Raises:
        MethodError: with the first of them.
    """
    for name in names:
        value = getattr(method, name)
        if not is_number(value) or not 0 <= value < math.inf:
            raise MethodError(
                f"{type(method).__name__}({name}={value!r}): {name} must be a number from 0."
            )
