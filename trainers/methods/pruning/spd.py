"""Sparse Progressive Distillation (Huang et al. 2022)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.methods.method import Method, Phase
from trainers.methods.pruning.grafting import Grafting, differentiable
from trainers.methods.pruning.maps import check_maps, forget, map_loss, unwatched, watch
from trainers.methods.step import Step
from trainers.settings import Training, is_number

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class SPD(Grafting):
    """Pruned layers among those of a teacher, which learn what the teacher computes. Cost above 1.

    Σ MSE of attention scores + Σ MSE of hidden states + cross-entropy of the prediction with the
    teacher's (τ = 1), over all layers; labels are not looked at. A layer is the student's with
    probability p in each step, else the teacher's, which is frozen; see :class:`Grafting` for what
    learns. The smallest weights of each matrix go in n events, evenly spread over the first phase:
    after event j the share of zeros is s (1 − (1 − j/n)³). In the second phase masks stay, and the
    learning rate starts again. The teacher is run in every step.

    Attention is compared before the softmax, as in TinyBERT, whose loss it is; padding is left
    out, and means are taken within each example first, so that neither depends on the batch.
    The embeddings, which do not learn, are not compared.

    Attributes:
        sparsity: s, the share of each matrix that is zero at the end, in [0, 1).
        events: n, how often weights are given up.
        until: share of the epochs that the first phase has, in (0, 1).
        p: probability of the student's layer, in [0, 1].
        rise: share of the first phase, at its end, over which p rises linearly to 1, where it stays
            (the paper's `mixed`: 10 of 30 epochs, a third); 0 leaves it as it is.
        teacher: a :class:`Teacher` of the same architecture; None is the student's own base run.
    """

    name: ClassVar[str] = "spd"
    unfit_for_texts: ClassVar[str] = "it gives up weights of the layers of an encoder alone"

    p: float = 0.8
    rise: float = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_number(self.p) or not 0 <= self.p <= 1:
            raise MethodError(
                f"SPD(p={self.p!r}): a probability lies between 0 and 1; the paper's mixed "
                "schedule is SPD(p=0.8, rise=1/3)."
            )
        if not is_number(self.rise) or not 0 <= self.rise <= 1:
            raise MethodError(
                f"SPD(rise={self.rise!r}): p rises within the first phase, of which this is a "
                "share, in [0, 1]."
            )

    def check(self, model: Model, task: Task) -> None:
        """Refuse a model without attention maps, and what grafting refuses.

        Raises:
            MethodError: with the model's name.
        """
        super().check(model, task)
        check_maps("SPD", model, task)

    def conflict(self, other: Method) -> str:
        """Nothing that compares two passes with the labels, nor what grafting refuses."""
        if other.name == "r_drop":
            return "r_drop has a loss of each of two passes, and spd keeps the maps of one"
        return super().conflict(other)

    def phases(self, training: Training) -> tuple[Phase, ...]:
        """Pruning, and learning with the masks of its end.

        Raises:
            MethodError: the training is too short for that, or keeps no attention maps.
        """
        epochs = training.epochs
        if epochs < 2:
            raise MethodError("SPD has two phases: give it a training of at least two epochs.")
        first = min(max(1, round(self.until * epochs)), epochs - 1)
        if training.gradient_checkpointing:
            raise MethodError(
                "SPD compares attention maps, which gradient_checkpointing=True does not keep: "
                "leave it out."
            )
        return Phase(first, "prune"), Phase(epochs - first, "fine-tune")

    def event(self, step: Step) -> int:
        """Event j is due at j/(n + 1) of the first phase, so that the last is within it."""
        if step.phase or step.last:
            return self.events
        return min(self.events, int(step.progress * (self.events + 1)))

    def p_at(self, step: Step) -> float:
        """p, and once it has risen 1."""
        if not self.rise:
            return self.p
        if step.phase:
            return 1.0
        risen = max(0.0, 1 - (1 - step.progress) / self.rise)
        return self.p + (1 - self.p) * risen

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """What grafting does, and keep what both models compute."""
        super().prepare(model, state)
        state.student_maps = watch(model, always=False)
        state.teacher_maps = watch(state.teacher, always=True)

    def loss(self, step: Step) -> Tensor:
        """What a pass and the teacher's differ by."""
        state, logits = step.state, step.logits
        prediction = -(step.teacher_logits.softmax(-1) * logits.log_softmax(-1)).sum(-1).mean()
        mask = step.inputs.get("attention_mask")
        return differentiable(prediction + map_loss(state.student_maps, state.teacher_maps, mask))

    def after_step(self, step: Step) -> None:
        """All layers are the student's again, and nothing is kept of the step."""
        super().after_step(step)
        forget(step.state.student_maps)
        forget(step.state.teacher_maps)

    def finish(self, model: nn.Module, state: SimpleNamespace) -> nn.Module:
        """The student's layers without masks, and attention as it was."""
        return super().finish(unwatched(deepcopy(model), state.student_maps), state)
