"""The pool of docstrings: built once, written to a folder, and read back by every task.

Every module belongs to the train, dev or test side by a digest of its dotted name, so that no
module's docstrings are ever on two sides. The pool does not depend on what is to be classified.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from trainers.tasks.duplicates.near_duplicates import NEAR, keep_first
from trainers.tasks.embedded.extraction import Document, Kind
from trainers.tasks.embedded.prose import is_summary
from trainers.tasks.lines import read_lines, write_lines
from trainers.tasks.task import Split

SIDES: tuple[Split, ...] = get_args(Split)
KINDS: tuple[Kind, ...] = get_args(Kind)

#: Share of the modules on each side, in the order of SIDES: chosen so that each of 64 submodules
#: has its share of dev and test examples.
SHARES = (0.60, 0.18, 0.22)
#: Longer summaries are cut after this many words; one in a hundred has more than 62.
LONGEST_SUMMARY = 80
#: A body with fewer words says too little to tell whose it is; more than 40 are cut, so that most
#: pairs fit into 96 tokens.
BODY_WORDS = (8, 40)


@dataclass(frozen=True)
class Pool:
    """Docstrings that can become examples, near-duplicates removed; row i has id i.

    Attributes:
        modules: dotted names of the modules.
        rows: shape (n, 3), int32: module, kind and side, as indices of `modules`, `KINDS`
            and `SIDES`.
        summaries: first paragraphs.
        bodies: what follows the summary; empty where that is too short or a near-duplicate.
    """

    modules: list[str]
    rows: NDArray[np.int32]
    summaries: list[str]
    bodies: list[str]


@cache
def side(module: str) -> int:
    """The side that a module belongs to, as an index of SIDES; the same for every version."""
    number = int.from_bytes(hashlib.sha256(module.encode()).digest()[:8], "big") / 2**64
    return sum(number >= bound for bound in list(accumulate(SHARES))[:-1])


def build(found: Sequence[Document]) -> Pool:
    """The pool of the documents that begin with a summary.

    Where two are alike the one on the test side stays, then the one on the dev side: what is
    left of the train side resembles nothing that a model is judged on.
    """
    candidates = [document for document in found if is_summary(document.paragraphs[0])]
    candidates.sort(key=lambda document: -side(document.module))
    summaries = [_cut(document.paragraphs[:1], 1, LONGEST_SUMMARY) for document in candidates]
    kept = keep_first(summaries, NEAR)
    bodies = [_cut(candidates[i].paragraphs[1:], *BODY_WORDS) for i in kept]
    distinct = set(keep_first(bodies, NEAR))
    names = sorted({candidates[i].module for i in kept})
    number = {name: i for i, name in enumerate(names)}
    rows = [
        (number[document.module], KINDS.index(document.kind), side(document.module))
        for document in (candidates[i] for i in kept)
    ]
    return Pool(
        modules=names,
        rows=np.array(rows, dtype=np.int32).reshape(-1, 3),
        summaries=[summaries[i] for i in kept],
        bodies=[body if i in distinct else "" for i, body in enumerate(bodies)],
    )


def write(pool: Pool, folder: Path) -> None:
    """Write the pool as plain text and one array."""
    np.save(folder / "rows.npy", pool.rows, allow_pickle=False)
    (folder / "modules.json").write_text(json.dumps(pool.modules), encoding="utf-8")
    write_lines(pool.summaries, folder / "summaries.txt")
    write_lines(pool.bodies, folder / "bodies.txt")


def read(folder: Path) -> Pool:
    """Read the pool that `write` wrote."""
    return Pool(
        modules=json.loads((folder / "modules.json").read_text(encoding="utf-8")),
        rows=np.load(folder / "rows.npy", allow_pickle=False),
        summaries=read_lines(folder / "summaries.txt"),
        bodies=read_lines(folder / "bodies.txt"),
    )


def _cut(paragraphs: Sequence[str], shortest: int, longest: int) -> str:
    words = " ".join(paragraphs).split()
    return " ".join(words[:longest]) if len(words) >= shortest else ""
