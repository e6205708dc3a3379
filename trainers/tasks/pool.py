"""The pool of docstrings: extracted once, written to a folder, and read back by every task.

Every module belongs to the train, dev or test side by a digest of its dotted name, so that no
module's docstrings are ever on two sides. The pool does not depend on what is to be classified.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from trainers.tasks import extraction, installed
from trainers.tasks.near_duplicates import HeldOut, keep_first, words
from trainers.tasks.prose import Masking, is_summary, paragraphs
from trainers.tasks.task import Split

SIDES: tuple[Split, ...] = get_args(Split)
KINDS: tuple[extraction.Kind, ...] = get_args(extraction.Kind)

#: Share of the modules on each side, in the order of SIDES.
SHARES = (0.68, 0.12, 0.20)
#: Texts are near-duplicates when they share this part of their shingles.
NEAR = 0.8
#: A body shorter than this says too little to tell whose it is; a longer one is cut.
BODY_WORDS = (8, 80)


class Document(NamedTuple):
    """One docstring: where it stands, what it describes, and its paragraphs of prose."""

    module: str
    kind: extraction.Kind
    paragraphs: list[str]


@dataclass(frozen=True)
class Pool:
    """Docstrings that can become examples, near-duplicates removed; row i has id i.

    Attributes:
        modules: dotted names of the modules.
        rows: shape (n, 3), int32: module, kind and side, as indices of ``modules``, ``KINDS``
            and ``SIDES``.
        summaries: first paragraphs, package names masked.
        bodies: what follows the summary, masked; empty where that is too short or a duplicate.
    """

    modules: list[str]
    rows: NDArray[np.int32]
    summaries: list[str]
    bodies: list[str]


def side(module: str) -> int:
    """The side that a module belongs to, as an index of SIDES; the same for every version."""
    number = int.from_bytes(hashlib.sha256(module.encode()).digest()[:8], "big")
    return int(np.searchsorted(np.cumsum(SHARES[:-1]), number / 2**64, side="right"))


def documents(packages: Sequence[str]) -> list[Document]:
    """Every docstring of the packages that has prose in it, in a fixed order."""
    return [
        Document(module, kind, prose)
        for package in packages
        for module, path in installed.modules(package)
        for kind, text in extraction.docstrings(path.read_bytes())
        if (prose := paragraphs(text))
    ]


def build(found: Sequence[Document], masking: Masking) -> Pool:
    """The pool of the documents: masked summaries and bodies without near-duplicates.

    Where two are alike the one on the test side stays, then the one on the dev side: what is
    left of the train side resembles nothing that a model is judged on.
    """
    candidates = [document for document in found if is_summary(document.paragraphs[0])]
    candidates.sort(key=lambda document: -side(document.module))
    summaries = [masking.mask(document.paragraphs[0]) for document in candidates]
    kept = keep_first(summaries, NEAR)
    bodies = [_body(candidates[i], masking) for i in kept]
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


def corpus(found: Sequence[Document], pool: Pool, labelled: Sequence[str]) -> Iterator[str]:
    """Text to pre-train on, a document at a time: nothing of the dev and test sides shows through.

    Modules of the ``labelled`` packages are left out unless they are on the train side; of the
    rest, a paragraph goes if it contains a dev or test summary or body, or near-duplicates it.
    Repeated paragraphs stay once.
    """
    held_out = _held_out(pool)
    seen: set[str] = set()
    for document in found:
        if document.module.split(".")[0] in labelled and side(document.module) != 0:
            continue
        kept = []
        for paragraph in document.paragraphs:
            if paragraph not in seen and not held_out.contained_in(paragraph):
                kept.append(paragraph)
            seen.add(paragraph)
        if kept:
            yield " ".join(kept)


def write(pool: Pool, folder: Path) -> None:
    """Write the pool as plain text and one array."""
    np.save(folder / "rows.npy", pool.rows, allow_pickle=False)
    (folder / "modules.json").write_text(json.dumps(pool.modules), encoding="utf-8")
    write_lines(pool.summaries, folder / "summaries.txt")
    write_lines(pool.bodies, folder / "bodies.txt")


def read(folder: Path) -> Pool:
    """Read the pool that ``write`` wrote."""
    return Pool(
        modules=json.loads((folder / "modules.json").read_text(encoding="utf-8")),
        rows=np.load(folder / "rows.npy", allow_pickle=False),
        summaries=read_lines(folder / "summaries.txt"),
        bodies=read_lines(folder / "bodies.txt"),
    )


def write_lines(texts: Sequence[str], path: Path) -> None:
    """Write texts without line breaks, one a line, the same bytes on every system."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{text}\n" for text in texts)


def read_lines(path: Path) -> list[str]:
    """Read what ``write_lines`` wrote."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def _body(document: Document, masking: Masking) -> str:
    shortest, longest = BODY_WORDS
    body = masking.mask(" ".join(document.paragraphs[1:])).split()
    return " ".join(body[:longest]) if len(body) >= shortest else ""


def _held_out(pool: Pool) -> HeldOut:
    outside = np.flatnonzero(pool.rows[:, 2] != 0)
    texts = [text for i in outside for text in (pool.summaries[i], pool.bodies[i])]
    return HeldOut((text for text in texts if words(text)), NEAR)
