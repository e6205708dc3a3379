"""A run between two steps, on disk: tensors by safetensors, all else as JSON, nothing by pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from trainers.resume.known import Known, tensors
from trainers.resume.reading import Read
from trainers.resume.streams import put_back, shared_streams
from trainers.resume.writing import Written

#: Raised when a run could not go on from what was written before.
FORMAT = 2
_TENSORS, _REST = "state.safetensors", "state.json"


@dataclass(frozen=True)
class Snapshot:
    """A run between two steps.

    Attributes:
        place: how far it has come, in words.
        tensors: by the names that the content has for them.
        content: JSON.
        about: what whoever keeps it wants to know later.
    """

    place: str
    tensors: Mapping[str, Tensor]
    content: Mapping[str, Any]
    about: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        """Write it into an empty folder."""
        save_file(dict(self.tensors), str(folder / _TENSORS))
        rest = {"format": FORMAT, "place": self.place, "about": self.about}
        text = json.dumps(rest | {"content": self.content}, allow_nan=False)
        (folder / _REST).write_text(text, encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> Snapshot | None:
        """What lies in a folder; None where another version wrote it."""
        rest = json.loads((folder / _REST).read_bytes())
        if rest["format"] != FORMAT:
            return None
        # Copies lie as torch lays out what it makes; those of a file only where they are in it.
        kept = {name: each.clone() for name, each in load_file(str(folder / _TENSORS)).items()}
        return cls(rest["place"], kept, rest["content"], rest["about"])


class Subject:
    """What is written down of a run, and filled again: its model, its method's state, the rest.

    Args:
        model: prepared, on its device.
        state: what the method keeps, prepared.
    """

    def __init__(self, model: nn.Module, state: SimpleNamespace) -> None:
        self._model, self._state = model, state
        self._known = Known(model, state)

    def learning(self) -> list[str]:
        """Which weights of the model learn."""
        return [name for name, p in self._model.named_parameters() if p.requires_grad]

    def let_learn(self, names: Sequence[str]) -> None:
        """Have these weights of the model learn, and no others."""
        for name, parameter in self._model.named_parameters():
            parameter.requires_grad_(name in names)

    def written(self, place: str, best: Mapping[str, Tensor] | None, **rest: Any) -> Snapshot:
        """The run as it is now; its tensors are the run's own, to be written before the next step.

        Args:
            place: how far it has come, in words.
            best: a state dictionary of the model, to be kept beside it.
            rest: what else its next steps depend on.

        Raises:
            Unwritable: with what cannot be written down.
        """
        written = Written(self._known)
        roots = {
            root: {
                "changes": written.form(self._known.changes(root), root),
                "tensors": {name: written.keep(each) for name, each in tensors(module)},
                "gradients": {
                    name: written.keep(p.grad)
                    for name, p in module.named_parameters()
                    if p.grad is not None
                },
            }
            for root, module in self._known.roots.items()
        }
        content = {
            "roots": roots,
            "best": None if best is None else {n: written.keep(each) for n, each in best.items()},
            "state": written.form(self._state, "state"),
            "rest": written.form(rest, "rest"),
            "streams": written.form(shared_streams(), "streams"),
        }
        return Snapshot(place, written.tensors, content, {})

    def fill(self, snapshot: Snapshot) -> tuple[dict[str, Tensor] | None, dict[str, Any]]:
        """Have the run stand where it stood; what it gives is the best and the rest.

        Among the rest are the streams, to be put back once more after what may draw from them.
        """
        content, read = snapshot.content, Read(self._known, snapshot.tensors)
        for root, saved in content["roots"].items():
            _fill(self._known.roots[root], saved, read)
        read.value(content["state"], self._state)
        rest = read.value(content["rest"])
        rest["streams"] = read.value(content["streams"])
        put_back(rest["streams"])
        if content["best"] is None:
            return None, rest
        best = self._model.state_dict()  # with what it says of its version
        best |= {n: read.tensor(k).to(best[n].device) for n, k in content["best"].items()}
        return best, rest


def _fill(module: nn.Module, saved: Mapping[str, Any], read: Read) -> None:
    here = dict(tensors(module))
    with torch.no_grad():
        for name, key in saved["tensors"].items():
            here[name].copy_(read.tensor(key))
    changes = read.value(saved["changes"])
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name in changes["learns"])
        key = saved["gradients"].get(name)
        parameter.grad = None if key is None else read.tensor(key).to(parameter.device)
    for name, values in changes["plain"].items():
        vars(module.get_submodule(name)).update(values)
