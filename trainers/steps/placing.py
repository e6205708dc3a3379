"""Where tensors lie: what a method keeps goes where the model is, the best weights stay here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn


def move(state: Any, device: torch.device) -> None:
    """Move what a method keeps to the model's device, in place.

    Methods prepare a model on the CPU, so that what they draw is the same for every device. Weights
    of the model move with it, and are the same objects afterwards.

    Args:
        state: whose attributes are moved: tensors, modules, and lists, tuples, dictionaries and
            namespaces of such, at any depth.
        device: of the model.
    """
    if device.type != "cpu":
        for name, value in vars(state).items():
            setattr(state, name, _moved(value, device))


def _moved(value: Any, device: torch.device) -> Any:
    match value:
        case nn.Parameter() | nn.Module():
            return value.to(device) if isinstance(value, nn.Module) else value
        case Tensor():
            return value.to(device)
        case dict():
            return {_moved(k, device): _moved(each, device) for k, each in value.items()}
        case SimpleNamespace():
            move(value, device)
        case list() | tuple():
            return type(value)(_moved(each, device) for each in value)
    return value


def copy_to_host(value: Tensor) -> Tensor:
    """A copy in the memory of the machine, of which it has more than a GPU."""
    return value.detach().to("cpu", copy=True)
