"""All of a classifier but its head, and reading it from a checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from trainers.errors import ModelError

#: The file inside a checkpoint folder that holds the weights, as on the hub.
WEIGHTS = "model.safetensors"


def load_body(module: Any, checkpoint: Path) -> None:
    """Replace all but the head by the weights in a checkpoint folder, in place.

    Args:
        module: a transformers classifier.
        checkpoint: holds ``model.safetensors`` of the body alone or of a whole classifier.

    Raises:
        ModelError: the weights are of another architecture.
    """
    prefix = f"{module.base_model_prefix}."
    weights = load_file(checkpoint / WEIGHTS)
    if any(name.startswith(prefix) for name in weights):
        weights = {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
    # Pre-training by masked words learns no pooler: it then belongs to the head.
    own = module.base_model.state_dict()
    poolers = {n: w for n, w in own.items() if n.startswith("pooler.") and n not in weights}
    _load(module.base_model, weights | poolers, checkpoint)


def _load(module: nn.Module, weights: Mapping[str, Tensor], checkpoint: Path) -> None:
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip()
        raise ModelError(
            f"{checkpoint / WEIGHTS} does not fit {type(module).__name__}: {detail}"
        ) from error
