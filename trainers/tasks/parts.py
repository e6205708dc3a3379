"""Parts of a data set: a split as it comes, or a sample carved out of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    parts: Mapping[Split, Part],
    classes: Sequence[str],
    seed: int,
) -> dict[Split, NDArray[np.int64]]:
    """Rows of each part of one split of the source, ascending.

    Which examples are drawn depends on their content and the seed, not on the order of the rows.
    Copies of an example (equal input and label) are never shared between two parts.

    Args:
        digests: shape (n,), of the content of each example.
        labels: shape (n,), 0 … K−1.
        parts: those that are taken from this split.
        classes: names of the K classes, for messages.
        seed: of the sample.

    Raises:
        TaskError: a class has too few examples, or its copies do not add up to the size.
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
            found[name] = _sample(f"{name}={part}", part, rank, labels, free, classes)
        free[found[name]] = False
    return found


def _sample(
    title: str,
    part: Part,
    rank: NDArray[np.uint64],
    labels: NDArray[np.int64],
    free: NDArray[np.bool_],
    classes: Sequence[str],
) -> NDArray[np.int64]:
    counts = np.bincount(labels, minlength=len(classes))
    quotas = _quotas(part, counts)
    # From the smallest class to the largest, which makes up for copies that cannot be divided.
    order = np.argsort(counts, kind="stable")
    drawn, missing = [], 0
    for k in order:
        wanted = quotas[k] + missing
        rows = np.flatnonzero(free & (labels == k))
        drawn.append(_drawn(rank, rows, wanted))
        missing = wanted - len(drawn[-1])
        if missing and (part.per_class or k == order[-1]):
            _refuse(title, classes[k], wanted, len(rows), missing)
    return np.sort(np.concatenate(drawn))


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


def _drawn(rank: NDArray[np.uint64], rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The first ``count`` rows by rank, or nearly so many where copies cannot be divided."""
    rows = rows[np.argsort(rank[rows], kind="stable")]
    _, starts, copies = np.unique(rank[rows], return_index=True, return_counts=True)
    taken, missing = [np.zeros(0, np.int64)], count
    for start, number in zip(starts, copies, strict=True):
        if number <= missing:
            taken.append(rows[start : start + number])
            missing -= int(number)
        if not missing:
            break
    return np.concatenate(taken)


def _refuse(title: str, label: str, wanted: int, there: int, missing: int) -> None:
    if there < wanted:
        raise TaskError(
            f'{title} needs {wanted} examples of class "{label}", and {there} are left. '
            "Ask for fewer."
        )
    raise TaskError(
        f'{title}: class "{label}" consists of copies that cannot be divided so that exactly '
        f"{wanted} are drawn. Ask for {missing} fewer, or remove the copies."
    )
