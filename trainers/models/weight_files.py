"""The files in which a folder keeps weights: which they are, their digest, and what is in them."""

import hashlib
import json
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


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights, in the order of their names."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        listed = json.loads((folder / INDEX).read_text())["weight_map"].values()
        return [folder / name for name in sorted(set(listed))]
    return []


def weights_digest(folder: Path) -> str:
    """SHA-256 of the weights; of several files, that of their digests one after the other.

    Raises:
        ModelError: there are none.
    """
    digests = []
    for path in weight_files(folder):
        about = path.stat()
        digests.append(_file_digest(path, about.st_size, about.st_mtime_ns))
    if not digests:
        raise ModelError(f"init: {folder} holds no {WEIGHTS}.")
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


@cache
def _file_digest(path: Path, size: int, modified: int) -> str:
    """Size and time are there so that a changed file is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weight_shapes(folder: Path) -> dict[str, Tensor]:
    """Every weight without its numbers, on the meta device; only the files' headers are read."""
    found = {}
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                found[name] = torch.empty(file.get_slice(name).get_shape(), device="meta")
    return found
