"""The files in which a folder keeps weights: which they are, their digest, and what is in them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from trainers.errors import ModelError

#: The file inside a checkpoint folder that holds the weights, as on the hub.
WEIGHTS = "model.safetensors"
#: The file that lists the parts of weights that are split over several.
INDEX = f"{WEIGHTS}.index.json"
#: Weights that may be infinite: masks that some models keep among them.
_MASK = re.compile(r"(mask|masked_bias|attn\.bias|attention\.bias)$")
_FLOATS = ("F64", "F32", "F16", "BF16")


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights, in the order of their names.

    Raises:
        ModelError: the index of several files does not list files of the folder.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        return [folder / name for name in sorted(_listed(folder / INDEX))]
    return []


def _listed(index: Path) -> set[str]:
    """The names of the parts that an index lists."""
    try:
        names = [*json.loads(index.read_text("utf-8"))["weight_map"].values()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{index} does not list the parts of the weights.") from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise ModelError(f"{index} lists {name!r}, which is no file of its folder.")
    if not names:
        raise ModelError(f"{index} does not list the parts of the weights.")
    return set(names)


def weights_digest(folder: Path) -> str:
    """SHA-256 of the weights; of several files, that of their digests one after the other.

    Raises:
        ModelError: there are none.
    """
    digests = []
    for path in weight_files(folder):
        digests.append(_file_digest(path, _state(path)))
    if not digests:
        raise ModelError(f"init: {folder} holds no {WEIGHTS}.")
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


@cache
def _file_digest(path: Path, state: tuple[int, int]) -> str:
    """The state is there so that a changed file is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unsound(folder: Path) -> str:
    """The first weight that is not a finite number, and how many there are; empty if all are.

    The files are read a weight at a time.
    """
    return next((found for p in weight_files(folder) if (found := _unsound(p, _state(p)))), "")


@cache
def _unsound(path: Path, state: tuple[int, int]) -> str:
    """The state is there so that a changed file is read again."""
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - it is no mapping
            if _MASK.search(name) or file.get_slice(name).get_dtype() not in _FLOATS:
                continue
            weight = file.get_tensor(name)
            # A sum is finite only where every number is, and takes no memory; it may overflow.
            if not weight.sum(dtype=torch.float32).isfinite() and not weight.isfinite().all():
                count = int((~weight.isfinite()).sum())
                return f"{count:,} of the {weight.numel():,} numbers of {name}"
    return ""


def _state(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def common_prefix(folder: Path, known: Iterable[str]) -> str:
    """What stands before the names of all weights, for instance "module."; empty if nothing does.

    Args:
        folder: of a checkpoint.
        known: names of weights of the model; without the prefix some must be among them.
    """
    names, prefix = [*weight_shapes(folder)], ""
    known = {part for name in known for part in _endings(name)}
    while names and not known & set(names):
        first = {name.partition(".")[0] for name in names}
        if len(first) > 1 or not all("." in name for name in names):
            return ""
        prefix += f"{first.pop()}."
        names = [name.partition(".")[2] for name in names]
    return prefix if names else ""


def _endings(name: str) -> Iterator[str]:
    """A name as in a whole classifier, and as in its body alone."""
    yield name
    yield name.partition(".")[2]


def weight_shapes(folder: Path) -> dict[str, Tensor]:
    """Every weight without its numbers, on the meta device; only the files' headers are read."""
    found = {}
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                found[name] = torch.empty(file.get_slice(name).get_shape(), device="meta")
    return found
