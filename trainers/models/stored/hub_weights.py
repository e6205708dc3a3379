"""The module that transformers has for a configuration, and its body read from a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from trainers.errors import ModelError
from trainers.models.stored.body import in_pooler, load_weights
from trainers.models.stored.weight_files import weight_shapes


def input_of(model_type: str) -> Literal["text", "images"] | None:
    """What a type of model classifies, if transformers has a classifier for it.

    >>> input_of("roberta"), input_of("vit"), input_of("t5gemma_encoder_of_nobody")
    ('text', 'images', None)
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
        MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    )

    if model_type in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
        return "text"
    return "images" if model_type in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES else None


def classifier(config: Any) -> nn.Module:
    """A classifier in float32 with weights drawn from torch's global generator.

    Raises:
        ModelError: transformers cannot make one of these values.
    """
    from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

    text = input_of(config.model_type) == "text"
    kind: Any = AutoModelForSequenceClassification if text else AutoModelForImageClassification
    return drawn(kind, config)


def drawn(kind: Any, config: Any) -> nn.Module:
    """A model of one of transformers' Auto classes, likewise in float32 with weights drawn.

    Raises:
        ModelError: transformers cannot make one of these values.
    """
    try:
        module: nn.Module = kind.from_config(config, dtype=torch.float32)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # whatever its thousand architectures raise
        detail = next(iter(str(error).strip().splitlines()), "")
        raise ModelError(
            f"its config.json makes no {config.model_type}: {type(error).__name__}: {detail}"
        ) from error
    return module


def layer_list(body: nn.Module, depth: int) -> str | None:
    """The name of the list of a body's layers, for instance "encoder.layer"."""
    for name, part in body.named_modules():
        if isinstance(part, nn.ModuleList) and len(part) == depth:
            return name
    return None


def load_pretrained_body(
    module: Any,
    folder: Path,
    config: Any,
    layers: tuple[int, ...] = (),
    fresh: tuple[str, ...] = (),
) -> None:
    """Replace all but the head by the weights in a folder, in place and in float32.

    transformers reads them, since it knows the older names of weights in the hub's folders. Of a
    module on the meta device only names and shapes are held against theirs.

    Args:
        module: a transformers classifier.
        folder: holds safetensors of a body alone or of a model with any head.
        config: of the model in the folder, with the classes of the module.
        layers: which of its layers to take, from the lowest; all if empty.
        fresh: weights that stay as they are in the module, as those of a pooler do that the
            folder lacks.

    Raises:
        ModelError: the weights are damaged, or those of another architecture.
    """
    weights = _read_body(module, folder, config)
    if layers:
        weights = _renumbered(weights, layer_list(module.base_model, len(layers)), layers)
    own = module.base_model.state_dict()
    stay = {n: w for n, w in own.items() if n in fresh or (in_pooler(n) and n not in weights)}
    load_weights(module.base_model, weights, stay, folder)


def _read_body(module: Any, folder: Path, config: Any) -> dict[str, Tensor]:
    """The state of the body in a folder, on the module's device and without what it lacks."""
    stored: dict[str, Any] = {"pretrained_model_name_or_path": folder, "use_safetensors": True}
    try:
        if module.device.type == "meta":
            # transformers loads nothing onto that device: one zero stands for all numbers of each.
            zeros = {n: torch.zeros(()).expand(w.shape) for n, w in weight_shapes(folder).items()}
            stored = {"pretrained_model_name_or_path": None, "state_dict": zeros}
        with silent(), torch.random.fork_rng(devices=[]):
            loaded, report = type(module).from_pretrained(
                **stored,
                config=deepcopy(config),
                dtype=torch.float32,
                local_files_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError) as error:
        detail = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{folder}: its weights cannot be read: {detail}") from error
    _check_report(loaded, report, folder)
    prefix = f"{loaded.base_model_prefix}."
    missing = {name.removeprefix(prefix) for name in report["missing_keys"]}
    state: dict[str, Tensor] = loaded.base_model.state_dict()
    return {n: weight.to(module.device) for n, weight in state.items() if n not in missing}


def _check_report(loaded: Any, report: dict[str, Any], folder: Path) -> None:
    """Refuse a checkpoint that lacks a part of the body, or has more layers than it."""
    prefix = f"{loaded.base_model_prefix}."
    named = type(loaded).__name__
    for missing in sorted(report["missing_keys"]):
        if missing.startswith(prefix) and not in_pooler(missing):
            raise ModelError(f"{folder} does not fit {named}: it has no {missing}.")
    for mismatched, found, expected in sorted(report["mismatched_keys"]):
        if mismatched.startswith(prefix):
            raise ModelError(
                f"{folder} does not fit {named}: {mismatched} has the shape {tuple(found)} "
                f"in place of {tuple(expected)}."
            )
    depth = getattr(loaded.config, "num_hidden_layers", 0)
    layers = layer_list(loaded.base_model, depth)
    for unexpected in sorted(report["unexpected_keys"]):
        if layers and re.match(rf"({re.escape(prefix)})?{re.escape(layers)}\.\d+\.", unexpected):
            raise ModelError(
                f"{folder} does not fit {named} of {depth} layers: it has {unexpected} too."
            )


def _renumbered(
    weights: dict[str, Tensor], name: str | None, layers: tuple[int, ...]
) -> dict[str, Tensor]:
    """The weights of some layers under the numbers that they get, and all outside the layers."""
    found = {}
    for key, weight in weights.items():
        inside = re.match(rf"{re.escape(str(name))}\.(\d+)\.", key)
        if not inside:
            found[key] = weight
        elif int(inside[1]) in layers:
            number = layers.index(int(inside[1]))
            found[f"{name}.{number}.{key[inside.end() :]}"] = weight
    return found


@contextmanager
def silent() -> Iterator[None]:
    """Without the progress bar and the report of fresh heads, which are meant to be fresh."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
