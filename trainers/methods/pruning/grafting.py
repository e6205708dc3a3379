"""Layers of a student among those of its teacher: which are whose in a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.methods.base import Base
from trainers.methods.method import Method, Teacher
from trainers.methods.pruning.magnitude import Magnitude
from trainers.methods.step import Step
from trainers.models.anatomy import layers, skeleton, stack
from trainers.settings import Training

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task

#: Of a configuration, what names and does not build.
_NAMES = ("_name_or_path", "architectures", "id2label", "label2id", "transformers_version", "dtype")
_CONFLICTS = {
    "smart": "smart compares with earlier weights of the whole model, of which some layers are the "
    "teacher's now and then",
    "reinit": "the layers start as the teacher's, and reinit draws some of them anew",
    "l2_sp": "l2_sp pulls the head and the embeddings too, which do not learn here",
    "r4f": "r4f normalises the head, which is the teacher's here",
}


@dataclass(frozen=True)
class Grafting(Magnitude):
    """What methods share that put a student's layers among those of its teacher.

    The student starts as a copy of its teacher, a model of the same architecture. In each step a
    layer is the student's with probability p, else the teacher's, frozen and without dropout; which
    is drawn once for all passes of the step. Only the student's layers learn; embeddings and head
    stay the teacher's. Evaluation uses the student's layers alone.

    Attributes:
        teacher: a :class:`Teacher` of the same architecture; None is the base run of the student's
            own model, init, settings and seed.
    """

    teacher: Teacher | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        declared: object = self.teacher
        if declared is not None and not isinstance(declared, Teacher):
            called = type(self).__name__
            raise MethodError(
                f"{called}(teacher={declared!r}): the teacher is the student's own model, so "
                'that only how it is trained can be said, as in Teacher("student", "student", '
                "training=..., seed=None); None takes the base run."
            )

    def p_at(self, step: Step) -> float:
        """The probability p with which a layer is the student's in this step."""
        raise NotImplementedError

    def check(self, model: Model, task: Task) -> None:
        """Refuse a teacher of another architecture, and what magnitude refuses.

        Raises:
            MethodError: with what differs.
        """
        super().check(model, task)
        if self.teacher is None or isinstance(self.teacher.model, str):
            return
        self.teacher.model.check(task, max_length=1)
        own, its = skeleton(model, task), skeleton(self.teacher.model, task)
        if own is None or its is None:
            return
        if len(layers(own)) != len(layers(its)):
            raise MethodError(
                f"{type(self).__name__} puts layers of {model.name} in the places of its "
                f"teacher's, and has {len(layers(own))} for the {len(layers(its))} of "
                f"{self.teacher.model.name}: give it a teacher of its own depth."
            )
        if _built(own) != _built(its):
            raise MethodError(
                f"{type(self).__name__} starts as a copy of its teacher, and "
                f"{self.teacher.model.name} is built otherwise than {model.name}: give it a "
                "teacher of its own architecture."
            )

    def conflict(self, other: Method) -> str:
        """Nothing that changes what does not learn here, nor what magnitude refuses."""
        return _CONFLICTS.get(other.name, "") or super().conflict(other)

    def teacher_for(self, training: Training) -> Teacher:
        """The one declared, or the student's own base run of the same seed."""
        return self.teacher or Teacher("student", "student", Base(), training, seed=None)

    def needs_from_teacher(self) -> Literal["weights"]:
        """All of its weights: the student starts from them, and its layers are run."""
        return "weights"

    def specification(self) -> dict[str, Any]:
        """Without the teacher: the key of its run stands in for it."""
        return {k: v for k, v in super().specification().items() if k != "teacher"}

    def meet_teacher(self, model: nn.Module, teacher: nn.Module, state: SimpleNamespace) -> None:
        """Become a copy of it."""
        try:
            model.load_state_dict(teacher.state_dict())
        except RuntimeError as error:
            raise MethodError(
                f"{type(self).__name__} starts as a copy of its teacher, whose weights are others: "
                f"{str(error).splitlines()[1].strip()}"
            ) from error
        state.teacher = teacher

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Freeze all but the layers, and put masks on their matrices."""
        model.requires_grad_(False)
        state.students = layers(model)
        for layer in state.students:
            layer.requires_grad_(True)
        super().prepare(model, state)

    def counted_steps(self) -> int:
        """So many that draws of layers are near their mean."""
        return 16

    def before_step(self, step: Step) -> None:
        """Give up weights, if it is time, and draw whose each layer is."""
        super().before_step(step)
        state, teachers = step.state, layers(step.state.teacher)
        own = (step.draw(torch.rand, (len(teachers),)) < self.p_at(step)).tolist()
        graft(
            step.model,
            [s if mine else t for s, t, mine in zip(state.students, teachers, own, strict=True)],
        )

    def after_step(self, step: Step) -> None:
        """All layers are the student's again."""
        graft(step.model, step.state.students)


def differentiable(loss: Tensor) -> Tensor:
    """The same loss; of a step all of whose layers are the teacher's its gradient is nothing."""
    return loss if loss.requires_grad else loss + torch.zeros_like(loss, requires_grad=True)


def graft(model: nn.Module, chosen: Sequence[nn.Module]) -> None:
    """Put layers into the places of a classifier's own, from the bottom to the top."""
    places = stack(model)
    for i, layer in enumerate(chosen):
        places[i] = layer


def _built(module: nn.Module) -> tuple[Any, ...]:
    """What decides on what a model computes from its weights; shares of dropout do not."""
    config = getattr(module, "config", None)
    told = config.to_dict() if config is not None else {}
    told = {n: v for n, v in told.items() if "drop" not in n and n not in _NAMES}
    return {name: each.shape for name, each in module.state_dict().items()}, told
