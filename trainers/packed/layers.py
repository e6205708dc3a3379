"""The parts of a layer of those models of transformers that are computed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from trainers.packed.attention import attention
from trainers.packed.hooks import are_plain, dropped, is_plain, takes_rows
from trainers.packed.linear import Linears
from trainers.packed.norm import add_and_normalise
from trainers.packed.rows import TokenRows

#: What the names of classes begin with whose layers are built as BERT's are.
_LIKE_BERT = ("Bert", "Roberta", "XLMRoberta")


@dataclass(frozen=True)
class Layer:
    """A layer that normalises behind each of its halves (Vaswani et al. 2017).

    Linear parts are given rows in place of padded texts.

    Attributes:
        module: all of it, which knows whether it is to be computed again in the backward pass.
        query: a linear part.
        key: another.
        value: another.
        joined: the linear part behind the heads.
        norm: a normalisation behind that.
        up: the linear part that widens.
        activation: behind that.
        down: the linear part that narrows.
        last_norm: the normalisation at the end.
        heads: of the attention.
        drops: shares that dropout drops: of the weights of the attention, and of each half.
    """

    module: Any
    query: nn.Module
    key: nn.Module
    value: nn.Module
    joined: nn.Module
    norm: nn.Module
    up: nn.Module
    activation: Callable[[Tensor], Tensor]
    down: nn.Module
    last_norm: nn.Module
    heads: int
    drops: tuple[float, float, float]

    @classmethod
    def of(cls, module: Any) -> Layer | None:
        """The parts of a module of transformers; None where it is another, or is looked into."""
        kind = type(module).__name__
        family = kind.removesuffix("Layer")
        found = None
        if kind == "TransformerBlock":
            found = cls._of_distilbert(module)
        elif family in _LIKE_BERT:
            found = cls._of_bert(module, family)
        return found if found and all(map(takes_rows, found.linears)) else None

    @classmethod
    def _of_bert(cls, module: Any, family: str) -> Layer | None:
        half, inner, end = module.attention, module.intermediate, module.output
        within, behind = half.self, half.output
        expected = {
            "Layer": module,
            "Attention": half,
            "SelfAttention": within,
            "SelfOutput": behind,
            "Intermediate": inner,
            "Output": end,
        }
        drops = (within.dropout, behind.dropout, end.dropout)
        norms = (behind.LayerNorm, end.LayerNorm)
        if module.is_decoder or module.add_cross_attention:
            return None
        named = {family + kind: part for kind, part in expected.items()}
        if not _as_built(named, within, drops, norms):
            return None
        return cls(
            module=module,
            query=within.query,
            key=within.key,
            value=within.value,
            joined=behind.dense,
            norm=behind.LayerNorm,
            up=inner.dense,
            activation=inner.intermediate_act_fn,
            down=end.dense,
            last_norm=end.LayerNorm,
            heads=within.num_attention_heads,
            drops=(dropped(within.dropout), dropped(behind.dropout), dropped(end.dropout)),
        )

    @classmethod
    def _of_distilbert(cls, module: Any) -> Layer | None:
        within, inner = module.attention, module.ffn
        norms = (module.sa_layer_norm, module.output_layer_norm)
        expected = {"TransformerBlock": module, "DistilBertSelfAttention": within, "FFN": inner}
        if not _as_built(expected, within, (within.dropout, inner.dropout), norms):
            return None
        return cls(
            module=module,
            query=within.q_lin,
            key=within.k_lin,
            value=within.v_lin,
            joined=within.out_lin,
            norm=norms[0],
            up=inner.lin1,
            activation=inner.activation,
            down=inner.lin2,
            last_norm=norms[1],
            heads=within.n_heads,
            drops=(dropped(within.dropout), 0.0, dropped(inner.dropout)),
        )

    @property
    def linears(self) -> tuple[nn.Module, ...]:
        """The linear parts."""
        return (self.query, self.key, self.value, self.joined, self.up, self.down)

    def __call__(
        self, linears: Linears, x: Tensor, rows: TokenRows, wanted: TokenRows, chosen: Tensor | None
    ) -> Tensor:
        """What it makes of the rows of a batch.

        Args:
            linears: how the linear parts are called in this pass.
            x: shape (n, d), float32.
            rows: where they stand.
            wanted: those that are asked for.
            chosen: shape (m,), their numbers among the rows; None are all.

        Returns:
            Shape (m, d), float32.
        """
        if getattr(self.module, "gradient_checkpointing", False) and self.module.training:
            again: Tensor = self.module._gradient_checkpointing_func(
                self._compute, linears, x, rows, wanted, chosen
            )
            return again
        return self._compute(linears, x, rows, wanted, chosen)

    def _compute(
        self, linears: Linears, x: Tensor, rows: TokenRows, wanted: TokenRows, chosen: Tensor | None
    ) -> Tensor:
        around = x if chosen is None else x.index_select(0, chosen)
        query, key = linears(self.query, around), linears(self.key, x)
        value, heads = linears(self.value, x), self.heads
        seen = attention(query, key, value, wanted, rows, heads, self.drops[0])
        half = add_and_normalise(linears(self.joined, seen), around, self.norm, self.drops[1])
        wide = self.activation(linears(self.up, half))
        return add_and_normalise(linears(self.down, wide), half, self.last_norm, self.drops[2])


def _as_built(
    parts: Mapping[str, Any],
    within: Any,
    drops: tuple[nn.Module, ...],
    norms: tuple[nn.Module, ...],
) -> bool:
    """Whether a layer is what transformers makes of a configuration.

    Args:
        parts: by the name of the class that each should be of.
        within: the attention among them.
        drops: all modules of dropout.
        norms: all normalisations.
    """
    plain = all(is_plain(part, kind) for kind, part in parts.items()) and are_plain(drops, norms)
    return plain and within.scaling == within.attention_head_size**-0.5
