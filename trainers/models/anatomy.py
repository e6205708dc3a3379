"""The parts of a classifier: head, body, and the body's layers.

Head is what a run draws anew: all that lies outside the pre-trained model, and what of it no
checkpoint gave, as the pooler after pre-training by masked words, or a stem made small. From
scratch, where everything is drawn, it is what it is behind such a pre-training, so that a method
does the same under both inits.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from trainers.errors import MethodError
from trainers.models.stored.body import drawn_anew, in_pooler
from trainers.models.stored.hub_weights import layer_list

if TYPE_CHECKING:
    from trainers.models.model import Model
    from trainers.tasks import Task


@cache
def skeleton(model: Model, task: Task) -> nn.Module | None:
    """The module without its weights, for what must be known when a study is loaded.

    None where files of the model or the task are missing: the check before training lists them.
    """
    if model.requirements("scratch") or task.requirements():
        return None
    with torch.device("meta"):
        return model.rehearsal(task, rows=2, tokens=2)[0]


def body(module: nn.Module) -> nn.Module:
    """The pre-trained model inside a classifier; parts of it may be head, see the module.

    Raises:
        MethodError: the module does not say what its body is, as those of transformers do.
    """
    found = getattr(module, "base_model", None)
    if found is module and _writes(module):
        return module  # T5's, of which all was pre-trained
    if not isinstance(found, nn.Module) or found is module:
        raise MethodError(
            f"a {type(module).__name__} does not say which part of it is the head: give it a "
            "base_model, as transformers' classifiers have."
        )
    return found


def body_parts(module: nn.Module) -> list[nn.Module]:
    """The parts of a classifier, from the bottom to the top, whose own weights are not head.

    Raises:
        MethodError: as of :func:`body`.
    """
    return [part for part in body(module).modules() if not drawn_anew(part)]


def body_weights(module: nn.Module) -> list[nn.Parameter]:
    """All weights of a classifier but those of its head, each once.

    Raises:
        MethodError: as of :func:`body`.
    """
    own = (w for part in body_parts(module) for w in part.parameters(recurse=False))
    return list({id(w): w for w in own}.values())


def head_layers(module: nn.Module) -> list[nn.Linear]:
    """The linear layers that turn what the layers of the body say into logits.

    Raises:
        MethodError: as of :func:`body`.
    """
    inside = set(body(module).modules())
    return [
        part
        for name, part in module.named_modules()
        if isinstance(part, nn.Linear)
        and (part not in inside or (drawn_anew(part) and in_pooler(f"{name}.")))
    ]


def layers(module: nn.Module) -> list[nn.Module]:
    """The layers of the body from the bottom to the top; the stages of a convolutional network.

    Those of a decoder stand on those of its encoder.

    Raises:
        MethodError: the body has none.
    """
    if _stacks(module):
        return [layer for stack in _stacks(module) for layer in stack]
    return list(stack(module))


def stack(module: nn.Module) -> nn.ModuleList:
    """The list of the body's layers itself, in which they may be exchanged.

    Raises:
        MethodError: the body has none.
    """
    return _stack(module)[1]


def levels(module: nn.Module) -> list[list[nn.Parameter]]:
    """All parameters by their distance from the top.

    First the head, with a pooler and a normalisation above the layers even where they were
    pre-trained; then one level for each layer from the top; last the embeddings, with what all
    layers share of positions.

    Raises:
        MethodError: the body has no layers.
    """
    if _stacks(module):
        return _levels_of_two(module)
    prefix, listed = _stack(module)
    holder = prefix.removesuffix(".").rpartition(".")[0] + "."
    above = dict(module.named_modules())[holder[:-1]] is body(module)
    found: list[list[nn.Parameter]] = [[] for _ in range(len(listed) + 2)]
    inside = {id(p) for p in body_weights(module)}
    passed = False
    for name, parameter in module.named_parameters():
        if id(parameter) not in inside:
            found[0].append(parameter)
        elif name.startswith(prefix):
            number = int(name.removeprefix(prefix).partition(".")[0])
            found[len(listed) - number].append(parameter)
            passed = True
        elif not passed or (name.startswith(holder) and not above):
            found[-1].append(parameter)
        else:
            found[0].append(parameter)
    return found


def _levels_of_two(module: nn.Module) -> list[list[nn.Parameter]]:
    """As :func:`levels`: the decoder's layers, below them the encoder's, then what embeds tokens.

    What stands behind the layers of the decoder learns with the head, and what stands behind those
    of the encoder with the uppermost of them.
    """
    encoder, decoder = _stacks(module)
    inside = {id(p) for p in body_weights(module)}
    at = {
        id(p): k
        for k, layer in enumerate(reversed([*encoder, *decoder]), 1)
        for p in layer.parameters()
    }
    found: list[list[nn.Parameter]] = [[] for _ in range(len(encoder) + len(decoder) + 2)]
    for name, parameter in module.named_parameters():
        if id(parameter) in at:
            level = at[id(parameter)]
        elif id(parameter) not in inside or name.startswith("lm_head"):
            level = 0
        elif "embed" in name or "shared" in name:
            level = -1
        else:
            level = len(decoder) + 1 if ".encoder." in f".{name}" else 0
        found[level].append(parameter)
    return found


def _stacks(module: Any) -> list[nn.ModuleList]:
    """The lists of layers of an encoder and its decoder, where a module that writes has both."""
    if not _writes(module) or not module.config.is_encoder_decoder:
        return []
    parts = module.get_encoder(), module.get_decoder()
    return [next(p for p in part.modules() if isinstance(p, nn.ModuleList)) for part in parts]


def _writes(module: Any) -> bool:
    return hasattr(module, "can_generate") and bool(module.can_generate())


def drops_out(model: nn.Module) -> bool:
    """Whether two passes in training mode differ: by a module, or by a share in the configuration.

    Some attention layers take their share from the configuration and have no module for it.
    """
    shares = vars(model.config).items() if hasattr(model, "config") else ()
    return any(isinstance(m, _DropoutNd) and m.p > 0 for m in model.modules()) or any(
        "drop" in name and isinstance(share, float) and share > 0 for name, share in shares
    )


def _stack(module: Any) -> tuple[str, nn.ModuleList]:
    """What the names of the layers' parameters begin with, and the list of layers."""
    config = getattr(module, "config", None)
    depth = getattr(config, "num_hidden_layers", None) or len(getattr(config, "depths", ()))
    name = layer_list(body(module), depth) if depth else None
    if name is None:
        raise MethodError(f"a {type(module).__name__} has no list of layers.")
    found = body(module).get_submodule(name)
    assert isinstance(found, nn.ModuleList)
    whole = next(n for n, part in module.named_modules() if part is found)
    return f"{whole}.", found


@cache
def other_body(model: Model, first: Task, other: Task) -> str:
    """Why a body that a model has for one task is no body for another, with the way out.

    Empty where it is one, or where their data or the model are not here to be looked at.
    """
    if model.requirements("scratch") or first.requirements() or other.requirements():
        return ""
    if model.vocabulary_of(first) != model.vocabulary_of(other):
        return (
            f"{model.name} has a vocabulary from each, in which the same number is another word. "
            "Take labels of the same data, or a HubModel, which has a vocabulary of its own."
        )
    shapes = []
    for task in (first, other):
        module = skeleton(model, task)
        found = body(module).state_dict() if module else {}
        shapes.append({name: tuple(weight.shape) for name, weight in found.items()})
    name = next((n for n, s in shapes[0].items() if shapes[1].get(n, s) != s), None)
    if name is None:
        return ""
    sizes = " and ".join(str(each[name]) for each in shapes)
    return f"{name} of {model.name} has the shapes {sizes}. Take tasks whose inputs are alike."
