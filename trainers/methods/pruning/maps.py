"""What the layers of an encoder compute, kept while it is run: attention scores, hidden states."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainers.errors import MethodError
from trainers.models.anatomy import body, layers, skeleton

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task

#: The name of the attention below among those of transformers.
_ATTENTION = "armbench_scores"
#: Attention scores and hidden states of the pass that is under way, from the bottom to the top.
_kept: ContextVar[tuple[list[Tensor], list[Tensor]] | None] = ContextVar("kept", default=None)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Attention as transformers computes it; its unmasked scores Q Kᵀ/√d are kept.

    The probabilities that transformers gives beside it have had their dropout by then.

    Args:
        module: that attends.
        query: shape (b, h, L, d).
        key: shape (b, h, L, d).
        value: shape (b, h, L, d).
        attention_mask: added to the scores.
        scaling: in place of 1/√d.
        dropout: share of the probabilities that is dropped.

    Returns:
        Shapes (b, L, h, d) and (b, h, L, L).
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = query @ key.transpose(2, 3) * scale
    masked = scores if attention_mask is None else scores + attention_mask
    if (kept := _kept.get()) is not None:
        kept[0].append(scores)
    shares = F.dropout(masked.softmax(-1), dropout, module.training)
    return (shares @ value).transpose(1, 2).contiguous(), scores


def watch(model: Any, always: bool) -> SimpleNamespace:
    """Have a classifier keep what its layers compute.

    Args:
        model: of transformers.
        always: whether it does so in evaluation mode too.

    Returns:
        What the last pass computed: `scores`, of each layer of shape (b, h, L, L), and `hidden`,
        behind each layer of shape (b, L, d); beside them what :func:`unwatched` needs.
    """
    _make_known()
    seen, own = SimpleNamespace(), body(model)
    forget(seen)
    seen.attention = model.config._attn_implementation
    model.set_attn_implementation(_ATTENTION)
    seen.hooks = [
        own.register_forward_pre_hook(partial(_begin, always=always)),
        own.register_forward_hook(partial(_end, seen=seen)),
        *(layer.register_forward_hook(_note) for layer in layers(model)),
    ]
    return seen


def forget(seen: SimpleNamespace) -> None:
    """Let go of what a pass computed, which hangs on its graph."""
    seen.scores, seen.hidden = (), ()


def unwatched(model: Any, seen: SimpleNamespace) -> Any:
    """A watched model, or a copy of one, as it was before :func:`watch`."""
    ids = [hook.id for hook in seen.hooks]
    for part in model.modules():
        for known in (part._forward_hooks, part._forward_pre_hooks):
            for each in ids:
                known.pop(each, None)
    model.set_attn_implementation(seen.attention)
    return model


def check_maps(name: str, model: Model, task: Task) -> None:
    """Refuse a model whose attention cannot be looked at.

    Raises:
        MethodError: with the model's name.
    """
    module: Any = skeleton(model, task)
    if module is not None and not _gives_its_attention(module):
        raise MethodError(
            f"{name} compares attention maps, and {model.name} gives none away; BERT, RoBERTa, "
            "DistilBERT and ViT do."
        )


def _gives_its_attention(module: Any) -> bool:
    heads = getattr(module.config, "num_attention_heads", 0)
    return bool(heads and module._can_set_attn_implementation())


def _make_known() -> None:
    """Let transformers know the attention above; importing it takes seconds, which few need."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    AttentionInterface.register(_ATTENTION, attend)
    AttentionMaskInterface.register(_ATTENTION, eager_mask)


def _begin(module: nn.Module, _: Any, always: bool) -> None:
    _kept.set(([], []) if always or module.training else None)


def _note(module: nn.Module, _: Any, output: Any) -> None:
    if (kept := _kept.get()) is not None:
        kept[1].append(output[0] if isinstance(output, tuple) else output)


def _end(module: nn.Module, *_: Any, seen: SimpleNamespace) -> None:
    if (kept := _kept.get()) is not None:
        seen.scores, seen.hidden = map(tuple, kept)
    _kept.set(None)


def map_loss(one: SimpleNamespace, other: SimpleNamespace, mask: Tensor | None) -> Tensor:
    """Σ over layers of the mean squared differences of attention scores and of hidden states.

    Means are taken within each example first, over heads, pairs of tokens and widths, and then over
    the batch; padding is left out.

    Args:
        one: what a pass of a student computed.
        other: what one of its teacher did, of as many layers.
        mask: shape (b, L), 1 at tokens and 0 at padding; None where nothing is padded.
    """
    total = torch.zeros((), device=one.hidden[0].device)
    for a, b in zip(one.scores, other.scores, strict=True):
        pairs = None if mask is None else mask[:, None, :, None] * mask[:, None, None, :]
        total = total + _mean_of_squares(a.float() - b.float(), pairs)
    for a, b in zip(one.hidden, other.hidden, strict=True):
        tokens = None if mask is None else mask[..., None]
        total = total + _mean_of_squares(a.float() - b.float(), tokens)
    return total


def _mean_of_squares(difference: Tensor, mask: Tensor | None) -> Tensor:
    squares = difference.square()
    if mask is None:
        return squares.mean()
    mask = mask.to(squares.dtype).expand_as(squares)
    return ((squares * mask).flatten(1).sum(1) / mask.flatten(1).sum(1)).mean()
