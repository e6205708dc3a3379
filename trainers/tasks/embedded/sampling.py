"""Balanced samples: the same number of examples of every class, drawn from a seed's own stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.tasks.task import Split

#: What to do where a task has fewer examples than its sizes ask for.
SMALLER = "declare the task with sizes that are there"


def check_sizes(task: str, sizes: Mapping[Split, int], classes: int) -> None:
    """Raise TaskError unless every size is a positive multiple of the number of classes."""
    for split, size in sizes.items():
        if not isinstance(size, int):
            raise TaskError(f"{task}: {split}={size!r} must be a whole number.")
        if size > 0 and size % classes == 0:
            continue
        below, above = size // classes * classes, (size // classes + 1) * classes
        nearest = f"{below} or {above}" if below > 0 else f"{max(above, classes)}"
        raise TaskError(
            f"{task}: {split}={size} cannot be shared equally by {classes} classes. "
            f"The nearest size{'s' if below > 0 else ''} that can: {nearest}."
        )


def check_supply(
    task: str, split: Split, size: int, labels: NDArray[np.int64], classes: Sequence[str]
) -> None:
    """Raise TaskError, with the count of every class, if one has too few examples."""
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() >= size // len(classes):
        return
    listed = ", ".join(f"{name} {count}" for name, count in zip(classes, counts, strict=True))
    largest = int(counts.min()) * len(classes)
    way_out = f"Ask for at most {split}={largest}." if largest else "Leave out the empty classes."
    raise TaskError(
        f"{task}: {split}={size} needs {size // len(classes)} examples of each class, "
        f"but there are: {listed}. {way_out}"
    )


def equal_counts(sizes: Mapping[Split, int], classes: int) -> dict[Split, list[int]]:
    """Examples of each class in each split of a balanced task."""
    return {split: [size // classes] * classes for split, size in sizes.items()}


def balanced(
    labels: NDArray[np.int64], size: int, classes: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Sorted positions of `size` examples, `size / classes` of each class, without repeats.

    A larger sample drawn with the same generator state contains the smaller one.
    """
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[: size // classes]
        for label in range(classes)
    ]
    return np.sort(np.concatenate(drawn)).astype(np.int64)
