"""A model without what a method put on its weights."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from torch import nn
from torch.nn.utils import parametrize


def plain(model: nn.Module) -> nn.Module:
    """A copy whose reparametrised weights are what they come to; itself if there are none.

    It predicts what the model does in evaluation mode, and its state dictionary has the names that
    its architecture gives them.
    """
    if not any(map(parametrize.is_parametrized, model.modules())):
        return model
    made = deepcopy(model).eval()
    for part in list(filter(parametrize.is_parametrized, made.modules())):
        _fold(part)
    return made.train(model.training)


def _fold(part: Any) -> None:
    """What torch's `remove_parametrizations` does, which would undo the original's as well.

    A copy is of the very class that was made for the original.
    """
    folded = {name: nn.Parameter(getattr(part, name).detach()) for name in part.parametrizations}
    del part.parametrizations
    part.__class__ = type(part).__bases__[0]
    part._parameters = {**folded, **part._parameters}
