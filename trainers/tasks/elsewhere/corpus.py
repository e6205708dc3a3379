"""Texts without labels, to pre-train on before a task has its say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainers.errors import TaskError
from trainers.resolve.folders import settled
from trainers.resolve.needs import Needed
from trainers.tasks.elsewhere.places import FETCHED, content_of, files_of, lacking, unfit_data
from trainers.tasks.elsewhere.reading import columns, layout, tables
from trainers.tasks.elsewhere.reading.folders import ending
from trainers.tasks.faults import faults

_PARAGRAPHS = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Texts:
    """Texts without labels: a file, a folder, or a hub name, as a task's data are.

    Attributes:
        data: where they are.
        text: the column; where it is missing or blank, the row is passed over.
        split: of the source, by its own name.
        config: the configuration of a data set that has several.

    Raises:
        TaskError: a field is empty, or, when the texts are read, they are missing or unfit.
    """

    data: str | Path
    text: str = "text"
    split: str = "train"
    config: str = ""

    def __post_init__(self) -> None:
        for field in ("data", "text", "split"):
            if not str(getattr(self, field)):
                raise TaskError(f"Texts: {field} is empty.")
        object.__setattr__(self, "data", settled(self.data, ending(self.data) in layout.TABLES))

    def requirements(self) -> tuple[Needed, ...]:
        """What is missing or unfit on this machine."""
        missing = lacking(self.data, self.config, FETCHED, self._files)
        unfit = () if missing else faults(self._column)
        return (*missing, *(unfit_data(self.data, fault) for fault in unfit))

    def specification(self) -> list[Any]:
        """What determines them, with the digests of their files."""
        return [self.text, self.split, [content_of(file) for file in self._files()]]

    def size(self) -> int:
        """Bytes of all of them."""
        return int(self._column().nbytes)

    def documents(self) -> Iterator[Sequence[str]]:
        """The paragraphs of each text, white space within them made single."""
        for text in self._column():
            written = (text.as_py() or "").replace("\r\n", "\n")
            paragraphs = (" ".join(part.split()) for part in _PARAGRAPHS.split(written))
            if kept := [paragraph for paragraph in paragraphs if paragraph]:
                yield kept

    def _files(self) -> Sequence[Path]:
        return files_of(self.data, self.config, [self.split], layout.splits)[self.split]

    def _column(self) -> Any:
        rows = tables.read(self._files(), [self.text])
        return columns.as_text(rows, self.text, rows.table.column(self.text))
