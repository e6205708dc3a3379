"""A classifier in a folder of its own, as transformers writes and reads one."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_model
from torch import nn

from trainers.models.stored.hub_weights import classifier, input_of, silent
from trainers.models.stored.weight_files import WEIGHTS


def unlike_transformers(module: Any) -> str:
    """Why transformers would not build a module from its configuration; empty where it would."""
    kind = getattr(getattr(module, "config", None), "model_type", "")
    if not kind or input_of(kind) is None:
        return f"a {type(module).__name__} is none of its classifiers"
    with torch.device("meta"):
        theirs = classifier(deepcopy(module.config))
    if type(theirs) is not type(module):
        return f"a {type(module).__name__} is none of its classes"
    own, built = ({n: w.shape for n, w in each.state_dict().items()} for each in (module, theirs))
    for name in {**own, **built}:
        if own.get(name) != built.get(name):
            return f"its {type(module).__name__} has another {name}"
    return ""


def save_classifier(module: Any, classes: Sequence[str], folder: Path) -> str:
    """Write weights as safetensors and, of a class of transformers, its configuration.

    Args:
        module: without parametrisations.
        classes: their names, in the order of the labels.
        folder: is there.

    Returns:
        Why transformers cannot load it; empty where it can.
    """
    if reason := unlike_transformers(module):
        save_model(module, str(folder / WEIGHTS))
        return reason
    config = module.config
    config.id2label = dict(enumerate(classes))
    config.label2id = {name: i for i, name in enumerate(classes)}
    config.problem_type = "single_label_classification"
    with silent():
        module.save_pretrained(folder)
    return ""


def load_classifier(folder: Path) -> nn.Module:
    """What transformers makes of such a folder with its configuration, by its own way alone."""
    from transformers import (
        AutoConfig,
        AutoModelForImageClassification,
        AutoModelForSequenceClassification,
    )

    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    text = input_of(config.model_type) == "text"
    kind: Any = AutoModelForSequenceClassification if text else AutoModelForImageClassification
    with silent():
        module: nn.Module = kind.from_pretrained(folder, local_files_only=True)
    return module
