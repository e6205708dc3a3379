"""The interface of a method: what it may decide about a run, and what it sees of a step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.optimiser import decay_groups
from trainers.settings import Training

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class Phase:
    """A stretch of training with an optimiser and a schedule of its own.

    A phase starts from the checkpoint that the phase before it selected.
    """

    epochs: int
    name: str = "train"


@dataclass(frozen=True)
class Teacher:
    """The run whose logits a method learns from.

    Attributes:
        model: its architecture; "student" means the student's own.
        init: what it starts from; "student" means the student's own.
        method: how it is trained.
        training: its settings; None means the student's.
        seed: its seed; None means the student's, so that every seed has a teacher of its own.
    """

    model: "Model | str" = "student"
    init: Any = "pretrained"
    method: "Method | None" = None
    training: Training | None = None
    seed: int | None = 0

    def __post_init__(self) -> None:
        if self.model != "student" and not hasattr(self.model, "specification"):
            raise MethodError(
                f'a teacher\'s model must be a model such as Bert(), or "student", '
                f"not {self.model!r}."
            )
        if isinstance(self.model, type):
            raise MethodError(f"a teacher's model must be an instance: {self.model.__name__}(...).")
        if isinstance(self.init, str) and self.init not in ("student", "pretrained", "scratch"):
            raise MethodError(
                f'a teacher\'s init must be "pretrained", "scratch", "student", a Path or a '
                f"pre-training, not {self.init!r}."
            )


@dataclass
class Step:
    """One batch during training, as a method sees it.

    Attributes:
        model: in training mode.
        inputs: the model's keyword arguments, each with b rows.
        labels: shape (b,), 0 … K−1.
        number: steps taken before this one, over all phases.
        phase: index into ``method.phases``.
        epoch: epochs completed in this phase.
        progress: share of this phase's steps that are done, in [0, 1).
        state: what the method keeps from step to step; empty at the start of a run.
    """

    model: nn.Module
    inputs: Mapping[str, Tensor]
    labels: Tensor
    number: int
    phase: int
    epoch: int
    progress: float
    state: SimpleNamespace
    run_model: Callable[[], Tensor] = field(repr=False)
    restart_dropout: Callable[[], None] = field(repr=False)
    make_generator: Callable[[], torch.Generator] = field(repr=False)
    look_up_teacher: Callable[[], Tensor] | None = field(repr=False, default=None)

    @cached_property
    def logits(self) -> Tensor:
        """Shape (b, K), float32: the pass that every method shares, with the seed's dropout."""
        return self.run_model()

    def forward(self, same_dropout: bool = False) -> Tensor:
        """A further pass; ``same_dropout`` repeats the masks of :attr:`logits`."""
        if same_dropout:
            self.restart_dropout()
        return self.run_model()

    @cached_property
    def teacher_logits(self) -> Tensor:
        """Shape (b, K), float32: what the teacher said of these examples, in evaluation mode.

        Raises:
            MethodError: the run has no teacher.
        """
        if self.look_up_teacher is None:
            raise MethodError(
                "this run has no teacher: let the method's teacher_for() return a Teacher."
            )
        return self.look_up_teacher()

    @cached_property
    def generator(self) -> torch.Generator:
        """A stream of the method's own at the start of this step; other arms never notice."""
        return self.make_generator()


@dataclass(frozen=True)
class Method:
    """How a model is trained; subclass it as a frozen dataclass and write ``loss``.

    The fields of the subclass are its hyper-parameters. Everything else has a default that a
    method overrides when it needs to: the other hooks are called by the loop in the order in
    which they stand here.
    """

    #: Short name for tables, flags and tags.
    name: ClassVar[str]
    #: Raised when the same hyper-parameters would train otherwise.
    revision: ClassVar[int] = 1

    def check(self, model: "Model", task: "Task") -> None:
        """Called when a study is loaded: raise MethodError for what cannot work together."""

    def teacher_for(self, training: Training) -> Teacher | None:
        """The teacher that a student trained with these settings needs, if any."""
        return None

    def phases(self, training: Training) -> tuple[Phase, ...]:
        """How the run is divided; only the last phase's checkpoints are scored."""
        return (Phase(training.epochs),)

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Change the model before its first step: reparametrise, replace or freeze modules."""

    def parameter_groups(self, model: nn.Module, training: Training) -> list[dict[str, Any]]:
        """The optimiser's groups; by default biases and normalisation weights do not decay."""
        return decay_groups(model, training.weight_decay)

    def loss(self, step: Step) -> Tensor:
        """The scalar loss of a batch; reads like its formula."""
        raise NotImplementedError

    def backward(self, step: Step) -> Tensor:
        """Leave the gradient of a step in the parameters and return its loss, detached."""
        loss = self.loss(step)
        loss.backward()
        return loss.detach()

    def after_step(self, step: Step) -> None:
        """Called after the optimiser's step: masks, moving averages."""

    def specification(self) -> dict[str, Any]:
        """Name, revision and hyper-parameters, for the key of a run."""
        return {
            "method": self.name,
            "revision": self.revision,
            **{f.name: getattr(self, f.name) for f in fields(self)},
        }
