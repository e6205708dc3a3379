"""A task from text to text, on data of the user's own or on those of a data set from the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.tasks.decoding import Decoding
from trainers.tasks.elsewhere.reading import tables
from trainers.tasks.elsewhere.reading.tables import Rows
from trainers.tasks.elsewhere.text import INPUTS, TextTask
from trainers.tasks.task import SomeTexts


@dataclass(frozen=True)
class GenerationTask(TextTask):
    """Texts from which others are to be written: summaries, translations, answers.

    The data come from the same places as those of a :class:`TextTask`. Examples whose source and
    target together say nearly the same are never divided between parts.

    Attributes:
        source: the column with the text that is read.
        target: the column with the text that is to be written.
        decoding: how it is written.

    Raises:
        TaskError: a field is out of range, or, when the data are read, they are missing or unfit.

    >>> from trainers.tasks import Part
    >>> GenerationTask("mails.csv", source="mail", target="subject", dev=Part("train", 0.1)).columns
    ('mail', 'subject')
    """

    writes: ClassVar[Literal["classes", "text"]] = "text"

    label: str = field(default="", init=False)
    class_names: tuple[str, ...] = field(default=(), init=False)
    text: tuple[str, str] = field(default=INPUTS, init=False)  # type: ignore[assignment]
    metric: str = "rougeL"
    source: str = field(default="source", kw_only=True)
    target: str = field(default="target", kw_only=True)
    decoding: Decoding = field(default=Decoding(), kw_only=True)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("source", "target"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise TaskError(
                    f"{self.name}: {name}={getattr(self, name)!r} must be the name of a column."
                )
        if self.source == self.target:
            raise TaskError(f"{self.name}: source and target are both {self.source!r}.")
        if not isinstance(self.decoding, Decoding):
            raise TaskError(
                f"{self.name}: decoding={self.decoding!r} must be a Decoding, such as "
                "Decoding(longest=64, beams=4)."
            )
        if any(part.per_class for part in self.parts.values()):
            raise TaskError(f"{self.name}: a Part of per_class=True, and there are no classes.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read: source, then target."""
        return self.source, self.target

    @property
    def classes(self) -> tuple[str, ...]:
        """None: texts are not classified."""
        return ()

    def class_counts(self) -> Mapping[Any, Sequence[int]]:
        """None."""
        return {}

    def rows(self) -> Rows:
        """Sources and targets of all splits that the task uses."""
        return tables.read([f for listed in self._files().values() for f in listed], self.columns)

    def labelled(self, rows: Rows) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Zeros, which stand for nothing."""
        return np.zeros(rows.table.num_rows, np.int64), ()

    def reading(self) -> dict[str, Any]:
        """The fields that shape the prepared folder."""
        without = ("label", "class_names")
        return {name: value for name, value in super().reading().items() if name not in without}

    def specification(self) -> dict[str, Any]:
        """Everything that determines the examples, and how texts are written."""
        said = super().specification()
        del said["classes"]
        return {**said, "decoding": self.decoding}

    def read_inputs(self, folder: Path, rows: NDArray[np.int64]) -> Mapping[str, Sequence[str]]:
        """Sources as "text" and targets as "target"."""
        found = super().read_inputs(folder, rows)
        return {"text": found["text"], "target": found["text_pair"]}

    def held_out(self, judged_on: Mapping[str, Sequence[str]]) -> Sequence[Sequence[str]]:
        """Sources alone: a target may be that of other texts, too, and tells nothing of them."""
        return [judged_on["text"]]

    def some_texts(self, count: int) -> SomeTexts:
        """Sources at equal distances, and those of a tenth as many examples that are longest."""
        found = super().some_texts(count)
        return SomeTexts({"text": found.inputs["text"]}, found.places, found.total)

    def targets(self) -> SomeTexts:
        """All that are to be written."""
        rows = self.rows()
        texts = self.texts(rows)[1].to_pylist()
        return SomeTexts({"target": texts}, _Places(rows), len(texts))


class _Places(Sequence[str]):
    """File and row of each, told when it is asked for."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return int(self._rows.table.num_rows)

    def __getitem__(self, row: Any) -> Any:
        return self._rows.where(row)
