"""Changing what a model reads a little: the embeddings of a text, the pixels of an image.

Embeddings are changed by a hook on the embedding layer. Passing `inputs_embeds` instead would
change the results of GPT-2 with padding on the right and of RoBERTa with padding on the left.
Under autocast embeddings are float32, and so is what is added to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.methods.method import Method
from trainers.methods.step import Step
from trainers.models.anatomy import drops_out, skeleton

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


def embedding_layer(model: Any) -> nn.Embedding | None:
    """What turns token numbers into vectors, if anything does; of two, that of the encoder."""
    try:
        beside = getattr(getattr(model, "config", None), "is_encoder_decoder", False)
        layer = (model.get_encoder() if beside else model).get_input_embeddings()
    except (AttributeError, NotImplementedError):
        return None
    return layer if isinstance(layer, nn.Embedding) else None


@dataclass(frozen=True)
class Perturbing(Method):
    """What methods share that add little to embeddings or pixels: the check of the model."""

    def check(self, model: Model, task: Task) -> None:
        """Refuse a model whose embeddings cannot be changed by little.

        Raises:
            MethodError: there is no embedding layer, or it is kept in bfloat16.
        """
        called, dtype = type(self).__name__, getattr(model, "dtype", "float32")
        if dtype != "float32":
            raise MethodError(
                f"{called} adds to the embeddings what {dtype} mostly rounds away. Give "
                f'{model.name} float32 weights; Training(precision="bf16") still computes in '
                "bfloat16."
            )
        if task.reads == "text":
            check_embeddings(called, model, task)


def check_embeddings(called: str, model: Model, task: Task) -> None:
    """Refuse a model without an embedding layer.

    Raises:
        MethodError: it has none.
    """
    module = skeleton(model, task)
    if module is not None and embedding_layer(module) is None:
        raise MethodError(f"{called} needs an embedding layer, and {model.name} has none.")


def input_shape(step: Step) -> torch.Size:
    """Shape of what is perturbed: (b, L, d) embeddings or (b, channels, height, width) pixels."""
    if "pixel_values" in step.inputs:
        return step.inputs["pixel_values"].shape
    layer = embedding_layer(step.model)
    assert layer is not None  # checked when the study was loaded
    return torch.Size((*step.inputs["input_ids"].shape, layer.embedding_dim))


def real_inputs(step: Step) -> Tensor:
    """1 where there is something to perturb and 0 on padding; fits :func:`input_shape`."""
    if "attention_mask" in step.inputs:
        return step.inputs["attention_mask"][..., None].float()
    return torch.ones((), device=step.labels.device)


def uniform(step: Step) -> Tensor:
    """Numbers in [−1, 1) of the method's own stream, in the shape of what is perturbed."""
    return 2 * step.draw(torch.rand, input_shape(step)) - 1


def normal(step: Step) -> Tensor:
    """Standard normal numbers of the method's own stream, in the shape of what is perturbed."""
    return step.draw(torch.randn, input_shape(step))


def comparing(step: Step, share_dropout: bool = False) -> Step:
    """The step whose passes are compared, in float32 where a perturbation alone divides them.

    Dropout moves outputs far more than bfloat16 rounds them; a small perturbation does not.

    Args:
        share_dropout: whether the passes have the same masks.
    """
    return step if drops_out(step.model) and not share_dropout else step.in_float32()


@contextmanager
def perturbed(step: Step, delta: Tensor) -> Iterator[None]:
    """Every pass inside reads its embeddings, or raw pixels, with `delta` added to them."""

    def pixels(_: nn.Module, arguments: Any, inputs: dict[str, Any]) -> Any:
        return arguments, {**inputs, "pixel_values": inputs["pixel_values"] + delta}

    def embeddings(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        return output + delta

    if "pixel_values" in step.inputs:
        # before the model's own resizing and normalising
        handle = step.model.register_forward_pre_hook(pixels, prepend=True, with_kwargs=True)
    else:
        layer = embedding_layer(step.model)
        assert layer is not None
        handle = layer.register_forward_hook(embeddings)
    try:
        yield
    finally:
        handle.remove()
