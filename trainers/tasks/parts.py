"""Parts of a data set: a split as it comes, or a sample carved out of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.seeding import stream_seed
from trainers.tasks.task import Split

#: The order in which parts are taken out of the same split, so that the size of the training set
#: can be changed without changing what is judged on.
ORDER: tuple[Split, ...] = ("test", "dev", "train")


@dataclass(frozen=True)
class Part:
    """Where the examples of train, dev or test come from.

    Attributes:
        split: the split of the source, by the source's own name.
        size: how many of its examples: a whole number, a share of the split in (0, 1), or None for
            all that the other parts leave. The classes keep the proportions of the split.
        per_class: the size is of every class, whatever the proportions.

    Raises:
        TaskError: the size is out of range.

    >>> Part("train", 0.1)
    Part(split='train', size=0.1, per_class=False)
    """

    split: str
    size: int | float | None = None
    per_class: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.split, str) or not self.split:
            raise TaskError(f'Part: split must be the name of a split, not "{self.split}".')
        size = self.size
        if size is None:
            fits = not self.per_class
        elif isinstance(size, float):
            fits = 0 < size < 1 and not self.per_class
        else:
            fits = isinstance(size, int) and not isinstance(size, bool) and size > 0
        if not fits:
            raise TaskError(
                f"{self}: size must be a whole number of at least 1; without per_class also a "
                "share between 0 and 1, or None for all that is left."
            )


def carve(
    digests: NDArray[np.uint64],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    parts: Mapping[Split, Part],
    classes: Sequence[str],
    seed: int,
) -> dict[Split, NDArray[np.int64]]:
    """Rows of each part of one split of the source, ascending.

    Which examples are drawn depends on their content and the seed, not on the order of the rows.
    The examples of a group are never shared between two parts, whatever their labels.

    Args:
        digests: shape (n,), of the content of each example.
        labels: shape (n,), 0 … K−1.
        groups: shape (n,), the same number for examples that stay together: copies, and texts
            that say nearly the same.
        parts: those that are taken from this split.
        classes: names of the K classes, for messages.
        seed: of the sample.

    Raises:
        TaskError: a class has too few examples, or its groups do not add up to the size.
    """
    rank = _mixed(digests ^ np.uint64(stream_seed(seed, "split")))
    free = np.ones(len(labels), bool)
    found: dict[Split, NDArray[np.int64]] = {}
    for name in ORDER:
        if name not in parts:
            continue
        part = parts[name]
        if part.size is None:
            found[name] = np.flatnonzero(free)
        else:
            found[name] = _sample(f"{name}={part}", part, rank, labels, groups, free, classes)
        free[found[name]] = False
    return found


def _sample(
    title: str,
    part: Part,
    rank: NDArray[np.uint64],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    free: NDArray[np.bool_],
    classes: Sequence[str],
) -> NDArray[np.int64]:
    counts = np.bincount(labels, minlength=len(classes))
    quotas = np.array(_quotas(part, counts))
    # From the smallest class to the largest, which makes up for groups that cannot be divided.
    order = [] if part.per_class else np.argsort(counts, kind="stable").tolist()
    units = _by_rank(rank, groups, np.flatnonzero(free))
    drawn, missing = _filled(units, labels, quotas, order)
    if missing.any():  # large groups fit in while there is room for them
        drawn, missing = _filled(sorted(units, key=len, reverse=True), labels, quotas, order)
    for k in np.flatnonzero(missing):
        there = int((free & (labels == k)).sum())
        wanted = int(quotas[k]) if part.per_class else int(max(quotas[k], missing[k]))
        _refuse(title, classes[int(k)], wanted, there, int(missing[k]))
    return np.sort(np.concatenate([np.zeros(0, np.int64), *drawn]))


def _filled(
    units: Sequence[NDArray[np.int64]],
    labels: NDArray[np.int64],
    quotas: NDArray[np.int64],
    order: Sequence[int],
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Units that make up the quotas, and what of each class is still missing."""
    missing = quotas.copy()
    drawn, left = _drawn(units, labels, missing)
    for k, following in pairwise(order):
        if missing[k]:
            missing[following] += missing[k]
            missing[k] = 0
            more, left = _drawn(left, labels, missing)
            drawn += more
    if order:  # what even the largest lacks comes from any
        more, _ = _drawn(left, np.zeros_like(labels), missing[order[-1] :][:1])
        drawn += more
    return drawn, missing


def _by_rank(
    rank: NDArray[np.uint64], groups: NDArray[np.int64], rows: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """The rows of each group, in the order of the first rank in it."""
    first = np.full(groups.max(initial=-1) + 1, np.iinfo(np.uint64).max)
    np.minimum.at(first, groups[rows], rank[rows])
    rows = rows[np.lexsort((groups[rows], first[groups[rows]]))]
    return np.split(rows, np.flatnonzero(np.diff(groups[rows])) + 1) if len(rows) else []


def _drawn(
    units: Sequence[NDArray[np.int64]], labels: NDArray[np.int64], missing: NDArray[np.int64]
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """The units that fit into what is missing of each class, which shrinks, and the others."""
    taken, left = [], []
    for rows in units:
        own = np.bincount(labels[rows], minlength=len(missing)) if len(rows) > 1 else None
        if own is None and missing[labels[rows[0]]] > 0:
            missing[labels[rows[0]]] -= 1
        elif own is not None and (own <= missing).all():
            missing -= own
        else:
            left.append(rows)
            continue
        taken.append(rows)
    return taken, left


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The output function of SplitMix64 (Steele et al. 2014): a bijection that scatters."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return mixed


def _quotas(part: Part, counts: NDArray[np.int64]) -> list[int]:
    """How many of each class: in proportion, the largest remainders rounded up."""
    assert part.size is not None
    if part.per_class:
        return [int(part.size)] * len(counts)
    share = isinstance(part.size, float)
    size = round(part.size * counts.sum()) if share else int(part.size)
    exact = size * counts / max(1, counts.sum())
    quotas = np.floor(exact).astype(int)
    largest = np.argsort(quotas - exact, kind="stable")[: size - quotas.sum()]
    quotas[largest] += 1
    return [int(quota) for quota in quotas]


def _refuse(title: str, label: str, wanted: int, there: int, missing: int) -> None:
    if there < wanted:
        raise TaskError(
            f'{title} needs {wanted} examples of class "{label}", and {there} are left. '
            "Ask for fewer."
        )
    raise TaskError(
        f'{title}: class "{label}" has copies, or texts that say nearly the same, which are not '
        f"divided between parts, so that exactly {wanted} cannot be drawn. Ask for {missing} "
        "fewer, or take dev and test from splits of their own."
    )
