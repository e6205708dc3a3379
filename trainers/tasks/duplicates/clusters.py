"""Groups of texts that say nearly the same: an exact self-join of sparse matrices.

The rule is that of :mod:`trainers.tasks.near_duplicates`, and so is the reason why a look at the
rarest shingles of each text finds every pair: here the shingles are columns of a matrix, so that
100,000 texts take seconds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from trainers.tasks.duplicates.near_duplicates import WORDS_IN_A_SHINGLE, words

#: Candidates that are compared at once.
_AT_ONCE = 2_000_000


def clusters(texts: Sequence[str], threshold: float) -> NDArray[np.int64]:
    """Shape (n,), int64: texts of the same number resemble each other, if only through others.

    Two texts resemble each other when the Jaccard index of their shingles is at least the
    threshold, in (0, 1]; texts without words when they are equal but for blanks.

    >>> clusters(["The cat sat here.", "a dog", "the cat sat here", "!", "?"], 0.8).tolist()
    [0, 1, 0, 2, 3]
    """
    shingled = _shingled([words(text) or ["", " ".join(text.split())] for text in texts])
    alike = _same_rows(shingled)
    distinct, place = np.unique(alike, return_inverse=True)
    by_size = np.argsort(np.diff(shingled.indptr)[distinct], kind="stable")
    found = np.arange(len(distinct))
    for one, other in _near(shingled[distinct[by_size]], threshold):
        one, other = by_size[one], by_size[other]
        pairs = sparse.coo_array((np.ones(len(one)), (found[one], found[other])), (len(found),) * 2)
        found = connected_components(pairs, directed=False)[1][found].astype(np.int64)
    _, first, numbers = np.unique(found[place], return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int64)  # numbered as they come
    order[np.argsort(first)] = np.arange(len(first))
    return order[numbers]


def _shingled(texts: Sequence[list[str]]) -> Any:
    """A row for each text and a column for each shingle, the rarest first; of zeros and ones."""
    number: dict[str, int] = {}
    padded = [
        [number.setdefault(word, len(number) + 1) for word in text]
        + [0] * (WORDS_IN_A_SHINGLE - len(text))
        for text in texts
    ]
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    flat = np.fromiter((word for text in padded for word in text), np.int64, lengths.sum())
    rows = np.repeat(np.arange(len(padded)), lengths)
    inside = rows[: len(rows) - 2] == rows[2:]
    first, second, third = (flat[k : len(flat) - 2 + k][inside] for k in range(3))
    base = len(number) + 1
    _, both = np.unique(first * base + second, return_inverse=True)
    _, shingle = np.unique(both * base + third, return_inverse=True)
    entries = np.unique(rows[: len(rows) - 2][inside] * (len(flat) + 1) + shingle)
    row, column = np.divmod(entries, len(flat) + 1)
    often = np.bincount(column)
    rarest_first = np.empty(len(often), np.int64)
    rarest_first[np.argsort(often, kind="stable")] = np.arange(len(often))
    shape = (len(texts), len(often))
    found = sparse.csr_array((np.ones(len(row), np.int32), (row, rarest_first[column])), shape)
    found.sort_indices()
    return found


def _same_rows(matrix: Any) -> NDArray[np.int64]:
    """The first row that is equal to each."""
    seen: dict[bytes, int] = {}
    ends = matrix.indptr
    return np.array(
        [
            seen.setdefault(matrix.indices[start:end].tobytes(), i)
            for i, (start, end) in enumerate(itertools.pairwise(ends))
        ],
        np.int64,
    )


def _near(matrix: Any, threshold: float) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of rows whose Jaccard index is at least the threshold, some at a time.

    The rows ascend by size. A pair then shares at least t·|x| shingles of its larger row x and
    2t/(1+t)·|y| of its smaller row y, which leaves few of y's to look at (Xiao et al. 2008).
    """
    sizes = np.diff(matrix.indptr)
    prefix = _prefixes(matrix, sizes, threshold)
    columns = _prefixes(matrix, sizes, 2 * threshold / (1 + threshold)).T.tocsr()
    work = np.cumsum(prefix @ np.diff(columns.indptr))
    bounds = np.searchsorted(work, np.arange(0, work[-1] if len(work) else 1, _AT_ONCE))
    for start, end in zip(bounds, [*bounds[1:], len(sizes)], strict=True):
        candidates = sparse.coo_array(prefix[start:end] @ columns)
        one, other = candidates.row.astype(np.int64) + start, candidates.col.astype(np.int64)
        small, large = np.minimum(sizes[one], sizes[other]), np.maximum(sizes[one], sizes[other])
        worth = (other < one) & (small >= threshold * large - 1e-9)
        one, other = one[worth], other[worth]
        shared = _shared(matrix, one, other)
        near = shared / (sizes[one] + sizes[other] - shared) >= threshold
        yield one[near], other[near]


def _prefixes(matrix: Any, sizes: NDArray[np.int64], share: float) -> Any:
    """The rarest shingles of each row, of which one is in any other that has so many of them."""
    needed = np.maximum(1, np.ceil(share * sizes - 1e-9)).astype(np.int64)
    within = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], sizes)
    kept = within < np.repeat(sizes - needed + 1, sizes)
    rows = np.repeat(np.arange(len(sizes)), sizes)[kept]
    return sparse.csr_array(
        (np.ones(len(rows), np.int64), (rows, matrix.indices[kept])), matrix.shape
    )


def _shared(matrix: Any, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many shingles each pair has in common."""
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(one), 100_000):
        part = slice(start, start + 100_000)
        both = matrix[one[part]].multiply(matrix[other[part]])
        found.append(np.asarray(both.sum(axis=1)).ravel().astype(np.int64))
    return np.concatenate(found)
