"""All of a classifier but its head, and reading it from a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from trainers.errors import ModelError
from trainers.models.weight_files import WEIGHTS, weight_shapes, weights_digest


@dataclass(frozen=True)
class Checkpoint:
    """Weights on disk that a run starts from.

    Attributes:
        folder: holds them as safetensors.
        layers: which layers to take, from the lowest; all if empty.
    """

    folder: Path
    layers: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of them, which stands for them in the run's key; read when it is asked for."""
        return weights_digest(self.folder)

    @property
    def identity(self) -> Any:
        """What stands for it in a run's key, wherever the folder lies."""
        return [self.digest, *self.layers] if self.layers else self.digest


def load_body(module: Any, checkpoint: Path) -> None:
    """Replace all but the head by the weights in a checkpoint folder, in place.

    Of a module on the meta device only names and shapes are held against theirs.

    Args:
        module: a transformers classifier.
        checkpoint: holds ``model.safetensors`` of the body alone or of a whole classifier.

    Raises:
        ModelError: the weights are of another architecture.
    """
    prefix = f"{module.base_model_prefix}."
    shapes_alone = module.device.type == "meta"
    weights = weight_shapes(checkpoint) if shapes_alone else load_file(checkpoint / WEIGHTS)
    if any(name.startswith(prefix) for name in weights):
        weights = {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
    # Pre-training by masked words learns no pooler: it then belongs to the head.
    own = module.base_model.state_dict()
    poolers = {n: w for n, w in own.items() if n.startswith("pooler.") and n not in weights}
    load_weights(module.base_model, weights | poolers, checkpoint)


def load_weights(module: nn.Module, weights: Mapping[str, Tensor], checkpoint: Path) -> None:
    """Replace all weights of a module, in place.

    Raises:
        ModelError: one is missing, left over or of another shape; ``checkpoint`` is named.
    """
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip()
        raise ModelError(
            f"{checkpoint / WEIGHTS} does not fit {type(module).__name__}: {detail}"
        ) from error
