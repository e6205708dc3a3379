"""A task on data from elsewhere: a file, a folder, or a name on the hub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.resolve.folders import settled
from trainers.resolve.needs import Needed
from trainers.tasks.elsewhere import leakage
from trainers.tasks.elsewhere.places import (
    FETCHED,
    content_of,
    either,
    files_of,
    lacking,
    state_of,
    unfit_data,
)
from trainers.tasks.elsewhere.reading import columns, layout
from trainers.tasks.elsewhere.reading.class_labels import (
    absent,
    name_of,
    read_labels,
    require_names,
)
from trainers.tasks.elsewhere.reading.folders import ending
from trainers.tasks.elsewhere.reading.tables import Rows
from trainers.tasks.elsewhere.survey import Survey, assign
from trainers.tasks.faults import faults, gather
from trainers.tasks.parts import Part
from trainers.tasks.task import Examples, Split, Task


@dataclass(frozen=True)
class SourceTask(Task):
    """What tasks on texts and on images share: where the data are, and how they are split.

    Nothing is read when it is declared. A hub name is looked for as a folder, below the folder of
    `--data` or `ARMBENCH_DATA`, and in the hub's cache, never on a network.

    Attributes:
        data: a file, a folder, or a hub name.
        label: the column with the labels; what counts as one class whatever its spelling is in
            :mod:`trainers.tasks.class_labels`.
        config: the configuration of a data set that has several.
        class_names: the classes in the order of their labels; empty takes those of the data.
        train, dev, test: where the examples of each come from.
        splits: "fixed", or "per_seed": every seed carves parts of its own.
        metric: selects checkpoints and is compared by default.
        name: for tables; by default from the data.
    """

    #: What is fetched of a data set on the hub.
    fetched: ClassVar[tuple[str, ...]] = FETCHED

    data: str | Path
    label: str = "label"
    config: str = ""
    class_names: tuple[str, ...] = ()
    train: Part = Part("train")
    dev: Part = Part("validation")
    test: Part = Part("test")
    splits: Literal["fixed", "per_seed"] = "fixed"
    metric: str = "accuracy"
    name: str = ""

    def __post_init__(self) -> None:
        names = tuple(n if isinstance(n, str) else name_of(n).key for n in self.class_names)
        object.__setattr__(self, "class_names", names)
        if not str(self.data):
            raise TaskError(f"{type(self).__name__}: data is empty; give a path or a hub name.")
        if not self.name:
            where = Path(self.data).stem if Path(self.data).suffix else str(self.data)
            object.__setattr__(self, "name", "/".join(filter(None, [where, self.config])))
        object.__setattr__(self, "data", settled(self.data, ending(self.data) in layout.TABLES))
        if names and len(set(names)) < max(2, len(names)):
            raise TaskError(f"{self.name}: class_names must be at least two names, once each.")
        require_names(names, f"{self.name}: class_names")
        if self.splits not in ("fixed", "per_seed"):
            raise TaskError(
                f'{self.name}: splits={self.splits!r} is unknown. Choose "fixed" or "per_seed".'
            )
        self._check_parts()

    def _check_parts(self) -> None:
        whole: dict[str, Split] = {}
        for split, part in self.parts.items():
            if not isinstance(part, Part):
                raise TaskError(
                    f'{self.name}: {split}={part!r} must be a Part, such as Part("train", 500).'
                )
            if part.size is None and (other := whole.setdefault(part.split, split)) != split:
                raise TaskError(
                    f'{self.name}: {other} and {split} both take all of "{part.split}"; give one '
                    "of them a size."
                )
        if self.per_seed and all(part.size is None for part in self.parts.values()):
            raise TaskError(f'{self.name}: splits="per_seed", but no part has a size to draw.')

    @property
    def parts(self) -> dict[Split, Part]:
        """Where the examples of each split come from."""
        return {"train": self.train, "dev": self.dev, "test": self.test}

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; read from the data unless the task names them."""
        return self.class_names or _labelled(self, self._state())[1]

    @property
    def per_seed(self) -> bool:
        """Whether every seed carves parts of its own."""
        return self.splits == "per_seed"

    @property
    def sizes(self) -> Mapping[Split, int]:
        """Number of examples in each split; read from the data."""
        survey = self._survey()
        rows = assign(survey, self.parts, 0, self.name)
        return {split: len(found) for split, found in rows.items()}

    def requirements(self) -> tuple[Needed, ...]:
        """What is missing or unfit on this machine; the data are read, but nothing is prepared."""
        missing = lacking(self.data, self.config, self.fetched, self._files)
        unfit = () if missing else faults(self._survey)
        return (*missing, *(unfit_data(self.data, fault) for fault in unfit))

    def class_counts(self) -> Mapping[Split, Sequence[int]]:
        """Examples of each class in each split."""
        survey = self._survey()
        rows = assign(survey, self.parts, 0, self.name)
        return {
            split: np.bincount(survey.labels[found], minlength=len(survey.classes)).tolist()
            for split, found in rows.items()
        }

    def remarks(self) -> tuple[str, ...]:
        """Classes of which dev or test has no example, and examples that train has as well."""
        survey = self._survey()
        rows = assign(survey, self.parts, 0, self.name)
        gaps_found = (
            f"{split} ({self.read_from(split)}) has no example of {len(gaps)} of the "
            f"{len(survey.classes)} classes: " + columns.listed([survey.classes[k] for k in gaps])
            for split in ("dev", "test")
            if len(gaps := absent(survey.labels[rows[split]], survey.classes))
        )
        source = self.rows()
        groups = survey.groups if self.carves else self.groups(source, survey.digests)
        shared = leakage.told(source, groups, rows, self.likeness(source))
        return (*gaps_found, *shared)

    @property
    def carves(self) -> bool:
        """Whether several parts share a split of the source."""
        return len({part.split for part in self.parts.values()}) < len(self.parts)

    def groups(self, rows: Rows, digests: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Shape (n,): the same number for examples that are equal, or nearly so."""
        return np.unique(digests, return_inverse=True)[1].astype(np.int64)

    def likeness(self, rows: Rows) -> leakage.Likeness:
        """How alike two examples of a group are."""
        return lambda one, other: 1.0

    def read_from(self, split: Split) -> str:
        """The files that train, dev or test is taken from, for messages."""
        files = self._files()[self.parts[split].split]
        if ending(files[0]) in layout.IMAGES:
            return f"{files[0].parent.parent}"
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        return f"{files[0]}{more}"

    def disk_need(self) -> int:
        """Bytes that the prepared folder takes, nearly."""
        return self._survey().size

    def fingerprint(self) -> str:
        """Digest of the source's bytes and of every field that shapes the prepared folder.

        Neither paths nor names of files are in it. A file that has not changed is read once in a
        process.
        """
        contents = [[n, [self.content(f) for f in files]] for n, files in self._files().items()]
        shape = {"files": contents, "reading": self.reading()}
        return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()

    def content(self, file: Path) -> str:
        """What a file contributes to the fingerprint."""
        return content_of(file)

    def reading(self) -> dict[str, Any]:
        """The fields that shape the prepared folder."""
        return {
            "task": type(self).__name__,
            "revision": self.revision,
            "label": self.label,
            "class_names": self.class_names,
        }

    def specification(self) -> dict[str, Any]:
        """Everything that determines the examples of every split."""
        return {
            "task": type(self).__name__,
            "revision": self.revision,
            "fingerprint": self.fingerprint(),
            "classes": list(self.classes),
            "parts": {split: str(part) for split, part in self.parts.items()},
            "splits": self.splits,
        }

    def load(self, split: Split, folder: Path, seed: int) -> Examples:
        """Read the examples of a split; ids count the rows of the source."""
        survey = Survey.open(folder / "survey.npz")
        rows = assign(survey, self.parts, seed if self.per_seed else 0, self.name)[split]
        return Examples(rows, survey.labels[rows], self.read_inputs(folder, rows))

    def prepare(self, folder: Path) -> None:
        """Write labels, digests and inputs of all splits."""
        self._survey().save(folder / "survey.npz")
        self.write_inputs(self.rows(), folder)

    def corpus(self, folder: Path) -> Iterator[str]:
        """Unlabelled text to pre-train on."""
        raise TaskError(f"{self.name} has no text to pre-train on.")

    def labelled(self, rows: Rows) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """The label of each example, and the names of the classes.

        Raises:
            TaskError: with file and row, a label is missing or of no class.
        """
        return _labelled(self, self._state())

    def rows(self) -> Rows:
        """The columns of all splits that the task uses."""
        raise NotImplementedError

    def digests(self, rows: Rows) -> tuple[NDArray[np.uint64], int]:
        """The content of each example in 64 bits, and the bytes that the prepared inputs take.

        Raises:
            TaskError: with file and row, an input is missing or empty.
        """
        raise NotImplementedError

    def write_inputs(self, rows: Rows, folder: Path) -> None:
        """Write the inputs of all examples."""
        raise NotImplementedError

    def read_inputs(self, folder: Path, rows: NDArray[np.int64]) -> Mapping[str, Any]:
        """The inputs of some examples, by column."""
        raise NotImplementedError

    def _files(self) -> dict[str, Sequence[Path]]:
        """The files of the splits that the task uses, in the order in which its parts name them."""
        wanted = dict.fromkeys(part.split for part in self.parts.values())
        return files_of(self.data, self.config, [*wanted], self._layout)

    def _layout(self, place: Path, config: str, asked: Sequence[str]) -> layout.SplitFiles:
        return layout.splits(place, config, asked)

    def _survey(self) -> Survey:
        return _surveyed(self, self._state())

    def _state(self) -> tuple[tuple[str, int, int], ...]:
        return tuple(state_of(f) for listed in self._files().values() for f in listed)


@lru_cache(maxsize=32)
def _labelled(
    task: SourceTask, state: tuple[tuple[str, int, int], ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    return read_labels(task.rows(), task.label, task.class_names)


@lru_cache(maxsize=32)
def _surveyed(task: SourceTask, state: tuple[tuple[str, int, int], ...]) -> Survey:
    """Look at a task's data once, as long as the files stay as they are."""
    rows, files = task.rows(), task._files()
    looks: list[Callable[[], Any]] = [
        lambda: _origins(task, rows, files),
        lambda: task.labelled(rows),
        lambda: task.digests(rows),
    ]
    origins, (labels, classes), (digests, size) = gather(looks)
    copies = SourceTask.groups(task, rows, digests)
    groups = task.groups(rows, digests) if task.carves else copies
    survey = Survey(labels, digests, groups, origins, tuple(files), classes, size)
    assign(survey, task.parts, 0, task.name, task.read_from("train"))
    return survey


def _origins(
    task: SourceTask, rows: Rows, files: Mapping[str, Sequence[Path]]
) -> NDArray[np.int64]:
    """Which split each row is from; TaskError where one has no rows."""
    counts = np.diff(np.append(np.array(rows.starts), rows.table.num_rows))
    per_file = np.repeat(np.arange(len(files)), [len(listed) for listed in files.values()])
    origins = np.repeat(per_file, counts)
    if empty := [split for i, split in enumerate(files) if not (origins == i).any()]:
        raise TaskError(f"{task.data}: the split {either(empty)} has no examples.")
    return origins
