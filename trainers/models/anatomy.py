"""The parts of a classifier: head, body, and the body's layers."""

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from trainers.errors import MethodError
from trainers.models.hub_weights import layer_list

if TYPE_CHECKING:
    from trainers.models.model import Model
    from trainers.tasks import Task


@cache
def skeleton(model: "Model", task: "Task") -> nn.Module | None:
    """The module without its weights, for what must be known when a study is loaded.

    None where files of the model or the task are missing: the check before training lists them.
    """
    if model.requirements("scratch") or task.requirements():
        return None
    with torch.device("meta"):
        return model.rehearsal(task, rows=2, tokens=2)[0]


def body(module: nn.Module) -> nn.Module:
    """All of a classifier but its head.

    Raises:
        MethodError: the module does not say what its body is, as those of transformers do.
    """
    found = getattr(module, "base_model", None)
    if not isinstance(found, nn.Module) or found is module:
        raise MethodError(
            f"a {type(module).__name__} does not say which part of it is the head: give it a "
            "base_model, as transformers' classifiers have."
        )
    return found


def layers(module: nn.Module) -> list[nn.Module]:
    """The layers of the body from the bottom to the top; the stages of a convolutional network.

    Raises:
        MethodError: the body has none.
    """
    return list(_stack(module)[1])


def levels(module: nn.Module) -> list[list[nn.Parameter]]:
    """All parameters by their distance from the top.

    First the head, with the pooler and the normalisation above the layers; then one level for
    each layer from the top; last the embeddings, with what all layers share of positions.

    Raises:
        MethodError: the body has no layers.
    """
    prefix, stack = _stack(module)
    holder = prefix.removesuffix(".").rpartition(".")[0] + "."
    above = dict(module.named_modules())[holder[:-1]] is body(module)
    found: list[list[nn.Parameter]] = [[] for _ in range(len(stack) + 2)]
    inside = {id(p) for p in body(module).parameters()}
    passed = False
    for name, parameter in module.named_parameters():
        if name.startswith(prefix):
            number = int(name.removeprefix(prefix).partition(".")[0])
            found[len(stack) - number].append(parameter)
            passed = True
        elif id(parameter) in inside and (not passed or (name.startswith(holder) and not above)):
            found[-1].append(parameter)
        else:
            found[0].append(parameter)
    return found


def _stack(module: Any) -> tuple[str, nn.ModuleList]:
    """What the names of the layers' parameters begin with, and the list of layers."""
    config = getattr(module, "config", None)
    depth = getattr(config, "num_hidden_layers", None) or len(getattr(config, "depths", ()))
    name = layer_list(body(module), depth) if depth else None
    if name is None:
        raise MethodError(f"a {type(module).__name__} has no list of layers.")
    stack = body(module).get_submodule(name)
    assert isinstance(stack, nn.ModuleList)
    whole = next(n for n, part in module.named_modules() if part is stack)
    return f"{whole}.", stack
