"""In what environments runs were trained, and when the numbers of two may differ.

What can change a number: the versions of torch, transformers, tokenizers, numpy and of installed
packages that the user's code calls, Python's minor version, and the kind of device. Precision and
threads are in a run's key. What cannot is left out: the host, MLflow, patch releases of Python.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING, Any

from benchmark.record.provenance import version_of

if TYPE_CHECKING:
    from benchmark.record.recorded import Recorded
    from benchmark.record.study_record import StudyRecord

#: Packages in which runs are trained, whatever the study.
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")
Environment = Mapping[str, str]


def environment_here(device: str, packages: Iterable[str] = ()) -> Environment:
    """The environment of a run that is trained by this process.

    Args:
        device: "cpu", "cuda" or "mps".
        packages: that the user's code calls, by the names they are imported by.
    """
    return _here(device, frozenset(packages))


@cache
def _here(device: str, packages: frozenset[str]) -> Environment:
    return environment_of(
        {
            "python": platform.python_version(),
            **{f"version.{name}": version_of(name) for name in LIBRARIES},
            **tags_here(device, packages),
        }
    )


def tags_here(device: str, packages: Iterable[str] = ()) -> dict[str, str]:
    """What a run records of its environment, beside what all runs of a command share."""
    used = {_distribution(name) for name in packages if name not in LIBRARIES}
    return {
        "device_kind": device_kind(device),
        **{f"uses.{n}": version_of(n) for n in sorted(used)},
    }


@cache
def device_kind(device: str) -> str:
    """What computes: the accelerator's model, or the instructions that torch uses on a CPU."""
    import torch

    if device == "cuda":
        return str(torch.cuda.get_device_name())
    if device == "cpu":
        return f"cpu {torch.backends.cpu.get_cpu_capability()}"
    return device


def environment_of(tags: Mapping[str, str]) -> Environment:
    """The environment of a recorded run; what an older version did not record is left out.

    >>> environment_of({"version.torch": "2.13.0", "version.mlflow": "3.1", "python": "3.11.7"})
    {'torch': '2.13.0', 'python': '3.11'}
    """
    found = {n: tags[f"version.{n}"] for n in LIBRARIES if f"version.{n}" in tags}
    if "python" in tags:
        found["python"] = ".".join(tags["python"].split(".")[:2])
    found |= {n.removeprefix("uses."): v for n, v in tags.items() if n.startswith("uses.")}
    return found | ({"device": tags["device_kind"]} if "device_kind" in tags else {})


def differ(a: Environment, b: Environment) -> bool:
    """Whether numbers may differ between two environments, as far as both are known."""
    return a is not b and any(a[name] != b[name] for name in a.keys() & b.keys())


def distinct(environments: Iterable[Environment]) -> list[Environment]:
    """Environments between which numbers may differ, each once."""
    found: list[Environment] = []
    for each in environments:
        if all(differ(each, other) for other in found):
            found.append(each)
    return found


def in_words(environment: Environment, among: Sequence[Environment]) -> str:
    """In what an environment differs from others.

    >>> old, new = {"torch": "2.13.0", "numpy": "2.4"}, {"torch": "2.14.0", "numpy": "2.4"}
    >>> in_words(old, [old, new])
    'torch 2.13.0'
    """
    names = [n for n in environment if len({each[n] for each in among if n in each}) > 1]
    return ", ".join(f"{n} {environment[n]}" for n in names)


@dataclass(frozen=True)
class TrainedIn:
    """The environments that the cells of a recorded study were trained in.

    Attributes:
        cells: by key, those of its run and of the runs that it needed.
    """

    cells: Mapping[str, Sequence[Environment]]

    @classmethod
    def of(cls, record: StudyRecord, finished: Mapping[str, Recorded]) -> TrainedIn:
        """Those of a study's record."""
        keys = [cell.key for cell in record.cells if cell.key in finished]
        return cls({key: [*_of_run(key, finished)] for key in keys})

    def notes(self) -> list[str]:
        """A warning where the runs are of several environments."""
        all_of_them = distinct(each for of_cell in self.cells.values() for each in of_cell)
        if len(all_of_them) < 2:
            return []
        counts = [sum(not differ(each, c[0]) for c in self.cells.values()) for each in all_of_them]
        told = [
            f"{count} with {in_words(each, all_of_them)}"
            for each, count in zip(all_of_them, counts, strict=True)
        ]
        return [
            f"The runs are of {len(told)} environments, between which numbers may differ: "
            f"{'; '.join(told)}. bench run with --environments anew trains all of them in one."
        ]

    def strangers(self, record: StudyRecord) -> dict[str, str]:
        """By key, why a cell is no partner of the others of its model, init, task and seed.

        The environment that most of these are of is kept, the first on a tie.
        """
        groups: dict[tuple[Any, ...], list[str]] = {}
        for cell in record.cells:
            if cell.key in self.cells:
                place = (cell.model, cell.init, cell.task, cell.seed)
                groups.setdefault(place, []).append(cell.key)
        found: dict[str, str] = {}
        for keys in groups.values():
            among = distinct(each for key in keys for each in self.cells[key])
            kept = max(among, key=lambda each: sum(self._is_of(k, each) for k in keys))
            for key in keys:
                if not self._is_of(key, kept):
                    other = next(e for e in self.cells[key] if differ(e, kept))
                    found[key] = f"trained with {in_words(other, among)}, unlike its partners"
        return found

    def _is_of(self, key: str, environment: Environment) -> bool:
        return not any(differ(each, environment) for each in self.cells[key])


def _of_run(key: str, finished: Mapping[str, Recorded]) -> Iterator[Environment]:
    """The environment of a run, then those of the runs that it needed."""
    yield environment_of(finished[key].tags)
    for needed in finished[key].needs.values():
        if needed in finished:
            yield from _of_run(needed, finished)


def _distribution(module: str) -> str:
    """The name of the package that a module is installed by."""
    return (_distributions().get(module) or [module])[0].lower()


@cache
def _distributions() -> Mapping[str, Sequence[str]]:
    return packages_distributions()
