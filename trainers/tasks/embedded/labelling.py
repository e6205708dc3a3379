"""What a docstring can be asked: its package, its kind, its submodule, or whether it is whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainers.tasks.embedded.pool import KINDS, Pool

Label = Literal["package", "kind", "submodule", "pair"]

PAIR_CLASSES = ("other", "own")


@dataclass(frozen=True)
class Labelled:
    """The rows of the pool that a label applies to.

    Attributes:
        ids: shape (n,), rows of the pool, ascending.
        labels: shape (n,), the class of each.
        bodies: for pairs, shape (n,): the row whose body stands beside the summary.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    bodies: NDArray[np.int64] | None = None


def labelled(pool: Pool, label: Label, classes: tuple[str, ...]) -> Labelled:
    """The label of every row that has one, as an index of `classes`."""
    if label == "pair":
        return _pairs(pool)
    if label == "kind":
        of_kind = [classes.index(kind) if kind in classes else -1 for kind in KINDS]
        labels = np.array(of_kind)[pool.rows[:, 1]]
    else:
        of_module = [_prefix(module, classes) for module in pool.modules]
        labels = np.array(of_module, dtype=np.int64)[pool.rows[:, 0]]
    ids = np.flatnonzero(labels >= 0)
    return Labelled(ids, labels[ids].astype(np.int64))


def _prefix(module: str, classes: tuple[str, ...]) -> int:
    """The class that a module is, or lies in, the innermost if several; −1 for none."""
    around = [name for name in classes if f"{module}.".startswith(f"{name}.")]
    return classes.index(max(around, key=len)) if around else -1


def _pairs(pool: Pool) -> Labelled:
    """Every second summary keeps its own body; the others pass theirs around.

    A body goes to a summary of the same package on the same side, so that neither the topic nor
    the split gives the answer away; every body is used once, whatever the seed.
    """
    packages = [module.split(".")[0] for module in pool.modules]
    number = {name: i for i, name in enumerate(dict.fromkeys(packages))}
    package = np.array([number[name] for name in packages], dtype=np.int64)[pool.rows[:, 0]]
    usable = np.array([bool(body) for body in pool.bodies], dtype=bool)
    group = np.where(usable, package * 3 + pool.rows[:, 2], -1)
    rng = np.random.default_rng(0)
    parts = []
    for member in range(group.max(initial=-1) + 1):
        rows = rng.permutation(np.flatnonzero(group == member))
        own, others = rows[0::2], rows[1::2]
        parts.append(np.stack([own, np.ones_like(own), own]))
        if len(others) > 1:
            parts.append(np.stack([others, np.zeros_like(others), np.roll(others, 1)]))
    ids, labels, bodies = np.concatenate([np.zeros((3, 0), dtype=np.int64), *parts], axis=1)
    order = np.argsort(ids)
    return Labelled(ids[order], labels[order], bodies[order])
