"""All of a classifier but its head, and reading it from a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from trainers.errors import ModelError
from trainers.models.stored.weight_files import WEIGHTS, weight_shapes, weights_digest

#: Set on the parts of a body whose weights no checkpoint gave.
_MARK = "drawn_anew"


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
        checkpoint: holds `model.safetensors` of the body alone or of a whole classifier.

    Raises:
        ModelError: the weights are of another architecture.
    """
    prefix = f"{module.base_model_prefix}."
    shapes_alone = module.device.type == "meta"
    weights = weight_shapes(checkpoint) if shapes_alone else load_file(checkpoint / WEIGHTS)
    if any(name.startswith(prefix) for name in weights):
        weights = {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
    own = module.base_model.state_dict()
    fresh = {n: w for n, w in own.items() if n not in weights and in_pooler(n)}
    load_weights(module.base_model, weights, fresh, checkpoint)


def load_weights(
    body: nn.Module, weights: Mapping[str, Tensor], fresh: Mapping[str, Tensor], checkpoint: Path
) -> None:
    """Replace all weights of a body, in place.

    Args:
        body: at any weights.
        weights: those that were read.
        fresh: those of the body that stay as this run drew them.
        checkpoint: is named in errors.

    Raises:
        ModelError: one is missing, left over or of another shape.
    """
    try:
        body.load_state_dict({**weights, **fresh})
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip()
        raise ModelError(
            f"{checkpoint / WEIGHTS} does not fit {type(body).__name__}: {detail}"
        ) from error
    for part in body.modules():
        part.__dict__.pop(_MARK, None)
    mark_drawn_anew(body, fresh)


def in_pooler(weight: str) -> bool:
    """Whether a weight of a body is its pooler's, which pre-training by masked words leaves out.

    >>> in_pooler("pooler.dense.weight"), in_pooler("encoder.layer.0.output.dense.weight")
    (True, False)
    """
    return re.search(r"(^|\.)pooler\.", weight) is not None


def mark_drawn_anew(body: nn.Module, weights: Iterable[str]) -> None:
    """Remember that these weights of a body are drawn in this run, so that they are head."""
    for name in weights:
        setattr(body.get_submodule(name.rpartition(".")[0]), _MARK, True)


def drawn_anew(part: nn.Module) -> bool:
    """Whether a part of a body holds weights that were drawn in this run and are head."""
    return getattr(part, _MARK, False)
