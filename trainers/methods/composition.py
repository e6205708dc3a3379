"""Several methods at once: `KD(teacher=...) + R3F()`, `LS() + LLRD()`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.methods.base import Base
from trainers.methods.method import Method, Phase, Teacher
from trainers.methods.step import Step, state_of
from trainers.settings import Training

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task

#: Hooks that one part alone can own, and why.
_OWNED = {
    "loss": "each compares the logits with the labels in its own way",
    "backward": "each makes the gradient of a step in its own way",
    "parameter_groups": "each divides the parameters into groups of its own",
    "phases": "each divides the run into phases of its own",
    "teacher_for": "each brings a teacher",
}


@dataclass(frozen=True, repr=False)
class Composition(Method):
    """Methods that act together, in the order in which they were written.

    At most one part says what logits are compared with; that loss, or cross-entropy, is also what
    the other parts compare further passes with. Every part's penalty is added to it. At most one
    part each divides the run into phases, groups the parameters, brings a teacher or makes the
    gradient; everything else is done part by part. A part that is neutral (LS with ε = 0) leaves
    the others as they are, bit for bit: each has its own state and random stream. Order matters
    where one part prepares what another remembers: `Reinit() + L2SP()` decays towards the fresh
    layers, `L2SP() + Reinit()` towards those that they replaced.

    Attributes:
        parts: at least two, of different names.
    """

    parts: tuple[Method, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", "+".join(part.name for part in self.parts))
        reasons = filter(None, (part.unfit_for_texts for part in self.parts))
        object.__setattr__(self, "unfit_for_texts", next(reasons, ""))
        for a, b in combinations(self.parts, 2):
            _refuse_the_same(a, b)
            if reason := a.conflict(b) or b.conflict(a):
                raise MethodError(f"{a.name} and {b.name} cannot be composed: {reason}.")
            for hook, reason in _OWNED.items():
                if _overrides(a, hook) and _overrides(b, hook):
                    raise MethodError(
                        f"{a.name} and {b.name} cannot be composed: {reason}. Leave one out."
                    )

    def check(self, model: Model, task: Task) -> None:
        """Every part's."""
        for part in self.parts:
            part.check(model, task)

    def whole_batch(self) -> str:
        """That of the first part that needs it."""
        return next((reason for part in self.parts if (reason := part.whole_batch())), "")

    def apart(self) -> str:
        """That of the first part that has one."""
        return next((reason for part in self.parts if (reason := part.apart())), "")

    def teacher_for(self, training: Training) -> Teacher | None:
        """That of the part that has one."""
        return self._owner("teacher_for").teacher_for(training)

    def needs_from_teacher(self) -> Literal["logits", "weights", "texts"]:
        """What the part needs that brings a teacher."""
        return self._owner("teacher_for").needs_from_teacher()

    def phases(self, training: Training) -> tuple[Phase, ...]:
        """Those of the part that divides the run."""
        return self._owner("phases").phases(training)

    def meet_teacher(self, model: nn.Module, teacher: nn.Module, state: SimpleNamespace) -> None:
        """The part that brings the teacher meets it."""
        owner = self._owner("teacher_for")
        owner.meet_teacher(model, teacher, state_of(owner, state))

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Part by part; each draws from the start of the same stream, whoever stands before it."""
        for part in self.parts:
            torch.manual_seed(torch.initial_seed())
            part.prepare(model, state_of(part, state))

    def parameter_groups(self, model: nn.Module, training: Training) -> list[dict[str, Any]]:
        """Those of the part that groups parameters."""
        return self._owner("parameter_groups").parameter_groups(model, training)

    def before_step(self, step: Step) -> None:
        """Part by part."""
        for part in self.parts:
            part.before_step(step.seen_by(part))

    def before_micro_batch(self, step: Step) -> None:
        """Part by part."""
        for part in self.parts:
            part.before_micro_batch(step.seen_by(part))

    def loss(self, step: Step) -> Tensor:
        """That of the part that has one, else cross-entropy."""
        owner = self._owner("loss")
        return owner.loss(step.seen_by(owner))

    def penalty(self, step: Step) -> Tensor | float:
        """The sum of all."""
        return sum((part.penalty(step.seen_by(part)) for part in self.parts), start=0.0)

    def backward(self, step: Step) -> Tensor:
        """By the part that makes the gradient in its own way."""
        owner = self._owner("backward")
        return owner.backward(step.seen_by(owner))

    def after_step(self, step: Step) -> None:
        """Part by part."""
        for part in self.parts:
            part.after_step(step.seen_by(part))

    def is_selectable(self, state: SimpleNamespace) -> bool:
        """Where no part has a reason against it."""
        return all(part.is_selectable(state_of(part, state)) for part in self.parts)

    def finish(self, model: nn.Module, state: SimpleNamespace) -> nn.Module:
        """Part by part."""
        for part in self.parts:
            model = part.finish(model, state_of(part, state))
        return model

    def counted_steps(self) -> int:
        """Those of the part that asks for most."""
        return max(part.counted_steps() for part in self.parts)

    def hyper_parameters(self) -> dict[str, Any]:
        """Those of all parts; where two have one of the same name, as `kd__alpha`."""
        named = self._named()
        return {name: getattr(self.parts[i], field) for name, (i, field) in named.items()}

    def with_hyper_parameters(self, values: Mapping[str, Any]) -> Method:
        """Each value in the part that has it."""
        named, parts = self._named(), []
        for i, part in enumerate(self.parts):
            own = {named[name][1]: v for name, v in values.items() if named[name][0] == i}
            parts.append(part.with_hyper_parameters(own))
        return Composition(tuple(parts))

    def specification(self) -> dict[str, Any]:
        """Those of the parts, each name behind that of its part."""
        parts = [(part.name, part.specification()) for part in self.parts]
        return {
            "method": self.name,
            "revision": [specification["revision"] for _, specification in parts],
            **{
                f"{part}__{name}": value
                for part, specification in parts
                for name, value in specification.items()
                if name not in ("method", "revision")
            },
        }

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts))

    def _owner(self, hook: str) -> Method:
        """The part that overrides a hook; any other does what the default does."""
        return next((part for part in self.parts if _overrides(part, hook)), self.parts[0])

    def _named(self) -> dict[str, tuple[int, str]]:
        """Part and field behind every name of a hyper-parameter."""
        each = [
            (i, field) for i, part in enumerate(self.parts) for field in part.hyper_parameters()
        ]
        count = Counter(field for _, field in each)
        return {
            field if count[field] == 1 else f"{self.parts[i].name}__{field}": (i, field)
            for i, field in each
        }


def compose(first: Method, second: object) -> Method:
    """Both at once; `base` adds nothing to a method without a loss of its own.

    Raises:
        MethodError: they exclude each other.
    """
    if not isinstance(second, Method):
        hint = f": write {second.__name__}()" if isinstance(second, type) else ""
        raise MethodError(f"{first!r} + {second!r}: what is added must be a method{hint}.")
    parts = [p for m in (first, second) for p in getattr(m, "parts", (m,))]
    parts = [p for p in parts if type(p) is not Base] or [Base()]
    taught = next((p for p in parts if _overrides(p, "loss")), None)
    if taught and Base in (type(first), type(second)):
        raise MethodError(
            f"base and {taught.name} cannot be composed: {_OWNED['loss']}. Leave one out."
        )
    return parts[0] if len(parts) == 1 else Composition(tuple(parts))


def _overrides(part: Method, hook: str) -> bool:
    return getattr(type(part), hook) is not getattr(Method, hook)


def _refuse_the_same(a: Method, b: Method) -> None:
    if a.name == b.name:
        raise MethodError(f"{a.name} cannot be composed with itself: both parts have this name.")
    for larger, smaller in ((a, b), (b, a)):
        if isinstance(larger, type(smaller)):
            raise MethodError(
                f"{a.name} and {b.name} cannot be composed: {larger.name} already does what "
                f"{smaller.name} does. Leave {smaller.name} out."
            )


Method.composed = compose
