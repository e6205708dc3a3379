"""Re-initialised top layers (Zhang et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from trainers.errors import MethodError
from trainers.methods.method import Method
from trainers.models import anatomy
from trainers.models.stored.body import drawn_anew, mark_drawn_anew

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class Reinit(Method):
    """The top n layers and the pooler start afresh, as the model's own configuration draws them.

    Zhang et al. (2021): the uppermost layers of a pre-trained BERT know the pre-training task
    better than language. The draws come from a stream of the method's own, so that head, data
    order and dropout are those of base. A pooler that the run draws anew in any case is head and
    stays that of base. What is drawn here is head too for the methods beside it: `Reinit() +
    L2SP()` ties it to nothing. `layers=0` is base, bit for bit. Cost 1.

    Attributes:
        layers: n, how many layers from the top; stages in a convolutional network.
    """

    name: ClassVar[str] = "reinit"
    revision: ClassVar[int] = 2

    layers: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.layers, int) or isinstance(self.layers, bool) or self.layers < 0:
            raise MethodError(f"Reinit(layers={self.layers!r}): a whole number of at least 0.")

    def check(self, model: Model, task: Task) -> None:
        """Refuse more layers than there are, or a model that cannot draw them.

        Raises:
            MethodError: with the number that the model has, or what it lacks.
        """
        module = anatomy.skeleton(model, task)
        if module is not None and not hasattr(module, "_init_weights"):
            raise MethodError(
                f"Reinit draws layers as the model itself does, and {model.name} does not say how: "
                "give its module an _init_weights, as those of transformers have."
            )
        if module is not None and self.layers > (depth := len(anatomy.layers(module))):
            raise MethodError(f"Reinit(layers={self.layers}): {model.name} has {depth} layers.")

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Draw them."""
        if not self.layers:
            return
        draw: Any = model._init_weights
        pooler = getattr(anatomy.body(model), "pooler", None) or nn.Identity()
        tops = [*anatomy.layers(model)[-self.layers :]]
        if not any(map(drawn_anew, pooler.modules())):
            tops.append(pooler)
        for part in tops:
            part.apply(draw)
            mark_drawn_anew(part, dict(part.named_parameters()))
