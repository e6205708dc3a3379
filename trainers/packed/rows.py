"""Where the tokens of a batch stand: end to end as rows of a table, or a line for each text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


def rounded(rows: int) -> int:
    """The number of rows that some are filled up to: at most an eighth more.

    Kernels are made anew for every number of rows, which takes as long as some steps do.

    >>> [rounded(n) for n in (3, 100, 513, 1100)]
    [32, 128, 576, 1152]
    """
    unit = max(32, 1 << max(rows.bit_length() - 4, 0))
    return -(-rows // unit) * unit


@dataclass(frozen=True, eq=False)
class TokenRows:
    """Some of the tokens of a batch, in the order of its texts, and rows that fill them up.

    Nothing reads the rows that are there to fill up: they repeat the first.

    Attributes:
        places: shape (n,): text times width, plus the place within the text.
        count: of the rows that are tokens; they are the first ones.
        texts: of the batch.
        width: places that each text has.

    >>> rows = TokenRows.of(torch.tensor([[1, 1, 1], [1, 0, 0]]))
    >>> x = torch.arange(1.0, 1 + len(rows))[:, None]
    >>> rows.by_head(1).spread(x, empty=0.0).squeeze(2).tolist()
    [[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]]
    """

    places: Tensor
    count: int
    texts: int
    width: int

    @classmethod
    def of(cls, mask: Tensor) -> TokenRows:
        """Those where a mask of shape (texts, width) is not 0."""
        return cls._filled_up(mask.flatten().nonzero().squeeze(1), *mask.shape)

    @classmethod
    def chosen(cls, mask: Tensor) -> TokenRows:
        """Those where a mask of shape (texts, width) is not 0, moved to the front of their line."""
        marked = mask.bool()
        rank = marked.cumsum(1)
        width = max(int(rank[:, -1].max()), 1)
        lines = torch.arange(len(mask))[:, None] * width
        return cls._filled_up((lines + rank - 1)[marked], len(mask), width)

    @classmethod
    def all(cls, texts: int, width: int) -> TokenRows:
        """Those of texts of one length."""
        return cls._filled_up(torch.arange(texts * width), texts, width)

    @classmethod
    def first(cls, texts: int) -> TokenRows:
        """The first token of each text, and nothing else."""
        return cls(torch.arange(texts), texts, texts, 1)

    @classmethod
    def _filled_up(cls, places: Tensor, texts: int, width: int) -> TokenRows:
        return cls(filled_up(places), len(places), texts, width)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def full(self) -> bool:
        """Whether every place has a token."""
        return self.count == self.texts * self.width

    @cached_property
    def hidden(self) -> Tensor | None:
        """Shape (texts, 1, width), −∞ where there is no token; None if there is one everywhere."""
        if self.full:
            return None
        shut = torch.full((self.texts * self.width,), -torch.inf)
        return shut.index_fill_(0, self.places, 0.0).view(self.texts, 1, self.width)

    def gather(self, table: Tensor) -> Tensor:
        """The rows of a table of shape (texts, width, d), shape (n, d)."""
        flat = table.reshape(self.texts * self.width, -1)
        as_it_is = self.full and len(self) == self.count
        return flat if as_it_is else flat.index_select(0, self.places)

    @cached_property
    def _by_head(self) -> dict[int, ByHead]:
        return {}

    def by_head(self, heads: int) -> ByHead:
        """The same, with a line for each head of each text."""
        if heads not in self._by_head:
            self._by_head[heads] = ByHead.of(self, heads)
        return self._by_head[heads]


def filled_up(numbers: Tensor) -> Tensor:
    """Numbers of rows, as many as :func:`rounded` says; those that fill up repeat the first."""
    more = rounded(len(numbers)) - len(numbers)
    return torch.cat([numbers, numbers[:1].expand(more)]) if more else numbers


@dataclass(frozen=True, eq=False)
class ByHead:
    """Where the heads of rows stand in lines of their own.

    Attributes:
        rows: whose heads they are.
        lines: texts × heads.
        sources: shape (lines × width,): which head of all rows' comes there; some one where none.
        empty: places where no row comes; None if there are none.
        back: shape (n × heads,): the place of each head of each row.
    """

    rows: TokenRows
    lines: int
    sources: Tensor
    empty: Tensor | None
    back: Tensor

    @classmethod
    def of(cls, rows: TokenRows, heads: int) -> ByHead:
        """Those of some rows."""
        text, place = rows.places // rows.width, rows.places % rows.width
        back = (
            (text[:, None] * heads + torch.arange(heads)) * rows.width + place[:, None]
        ).flatten()
        lines, real = rows.texts * heads, rows.count * heads
        sources = torch.full((lines * rows.width,), -1)
        sources.index_copy_(0, back[:real], torch.arange(real))
        empty = None if rows.full else (sources < 0).nonzero().squeeze(1)
        return cls(rows, lines, sources.clamp_(min=0), empty, back)

    def spread(self, x: Tensor, empty: float | None = None) -> Tensor:
        """Rows of shape (n, heads × d) as (lines, width, d).

        Args:
            x: the rows.
            empty: what stands where no row comes; None leaves anything there that is finite.
        """
        table = x.reshape(len(self.back), -1).index_select(0, self.sources)
        if empty is not None and self.empty is not None:
            table.index_fill_(0, self.empty, empty)
        return table.view(self.lines, self.rows.width, -1)

    def gather(self, table: Tensor) -> Tensor:
        """Back from (lines, width, d) to rows, 0 in those that fill up."""
        found = table.reshape(-1, table.shape[-1]).index_select(0, self.back)
        found = found.view(len(self.rows), -1)
        if self.rows.count < len(found):
            found[self.rows.count :].zero_()
        return found
