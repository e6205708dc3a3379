"""A task on texts of the user's own, or on those of a data set from the hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import ipc

from trainers.errors import TaskError
from trainers.inputs import wordpiece
from trainers.resolve.needs import Needed
from trainers.tasks.duplicates.cleaning import cleaned
from trainers.tasks.duplicates.near_duplicates import NEAR, HeldOut, resemblance
from trainers.tasks.elsewhere.corpus import Texts
from trainers.tasks.elsewhere.leakage import Likeness
from trainers.tasks.elsewhere.places import NoSuchSplit, files_of, lacking, unfit_data
from trainers.tasks.elsewhere.reading import columns, tables
from trainers.tasks.elsewhere.reading.tables import Rows
from trainers.tasks.elsewhere.source import SourceTask
from trainers.tasks.elsewhere.survey import assign, content_digests
from trainers.tasks.faults import faults, gather
from trainers.tasks.lines import read_lines, write_lines
from trainers.tasks.task import Examples, SomeTexts

#: What models call the columns of a text and of a pair of texts.
INPUTS = ("text", "text_pair")


@dataclass(frozen=True)
class TextTask(SourceTask):
    """Texts, or pairs of texts, to be classified: CSV, JSON lines, Parquet, saved data, the hub.

    Attributes:
        text: the column with the text, or two columns for pairs.
        vocabulary: entries of the WordPiece vocabulary, for models that read the task's own. It is
            trained on the training texts and the further ones; where every seed has other training
            texts, on all that they are drawn from.
        further: texts without labels, read for the corpus only. What contains a text to be judged
            on, or nearly so, is left out of the corpus; one of fewer than three words only where
            it stands alone.

    Raises:
        TaskError: a field is out of range, or, when the data are read, they are missing or unfit.

    >>> from trainers.tasks import Part
    >>> TextTask("reviews.csv", text="review", dev=Part("train", 0.1), test=Part("train", 500)).name
    'reviews'
    """

    revision: ClassVar[int] = 2

    text: str | tuple[str, str] = "text"
    vocabulary: int = 8192
    further: Texts | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.text, str):
            object.__setattr__(self, "text", tuple(self.text))
            if len(self.text) != 2:
                raise TaskError(f"{self.name}: text={self.text!r} must be one column, or two.")
        if self.vocabulary < wordpiece.SMALLEST:
            raise TaskError(
                f"{self.name}: vocabulary={self.vocabulary} is too small for the alphabet. "
                f"Give at least {wordpiece.SMALLEST}."
            )
        if self.further is not None and not isinstance(self.further, Texts):
            raise TaskError(
                f"{self.name}: further={self.further!r} must be Texts, such as "
                'Texts("reviews.jsonl", text="review").'
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the texts are made from."""
        return (self.text,) if isinstance(self.text, str) else self.text

    def reading(self) -> dict[str, Any]:
        """The fields that shape the prepared folder."""
        further = {"further": self.further.specification()} if self.further else {}
        return (
            super().reading()
            | further
            | {
                "columns": self.columns,
                "vocabulary": self.vocabulary,
                "parts": {split: str(part) for split, part in self.parts.items()},
                "splits": self.splits,
            }
        )

    def rows(self) -> Rows:
        """Labels and texts of all splits that the task uses."""
        files = [f for listed in self._files().values() for f in listed]
        return tables.read(files, list(dict.fromkeys([self.label, *self.columns])))

    def texts(self, rows: Rows) -> list[Any]:
        """The texts that a model reads, one array of strings for each of :data:`INPUTS`.

        Raises:
            TaskError: with file and row, for each column in which a text is missing or blank.
        """
        return gather(partial(columns.texts, rows, column) for column in self.columns)

    def unlabelled(self, split: str) -> Examples:
        """All texts of a split of the source, in its order; ids count them, labels are all 0.

        Raises:
            TaskError: the split or a column is not there, or a text is missing or blank.
        """
        files = files_of(self.data, self.config, [split], self._layout)[split]
        texts = self.texts(tables.read(files, list(dict.fromkeys(self.columns))))
        ids = np.arange(len(texts[0]))
        inputs = dict(zip(INPUTS, (column.to_pylist() for column in texts), strict=False))
        return Examples(ids, np.zeros_like(ids), inputs)

    def missing_split(self, split: str) -> Needed | None:
        """What stands in the way of reading a split that none of the parts takes."""

        def look() -> None:
            try:
                files_of(self.data, self.config, [split], self._layout)
            except NoSuchSplit as error:  # the name is the server's and right: the copy lacks it
                raise TaskError(*error.faults) from error

        found = lacking(self.data, self.config, self.fetched, look)
        return found[0] if found else None

    def unfit_split(self, split: str) -> tuple[Needed, ...]:
        """What is wrong with the texts of a split that is here and that none of the parts takes."""
        return tuple(unfit_data(self.data, each) for each in faults(lambda: self.unlabelled(split)))

    def requirements(self) -> tuple[Needed, ...]:
        """What is missing or unfit on this machine, of further texts too."""
        further = self.further.requirements() if self.further else ()
        return (*super().requirements(), *further)

    def disk_need(self) -> int:
        """Bytes that the prepared folder takes, nearly."""
        return super().disk_need() + (self.further.size() if self.further else 0)

    def some_texts(self, count: int) -> SomeTexts:
        """Texts at equal distances over all splits, and a tenth as many that are the longest."""
        source = self.rows()
        texts = self.texts(source)
        lengths = sum(pc.utf8_length(column).to_numpy() for column in texts)
        rows = _spread_and_longest(np.asarray(lengths), count)
        taken = (column.take(pa.array(rows)).to_pylist() for column in texts)
        inputs = dict(zip(INPUTS, taken, strict=False))
        return SomeTexts(inputs, [source.where(row) for row in rows], len(texts[0]))

    def digests(self, rows: Rows) -> tuple[NDArray[np.uint64], int]:
        """The content of each text or pair, and the bytes of all texts."""
        texts = self.texts(rows)
        found = content_digests(*(column.to_pylist() for column in texts))
        return found, sum(column.nbytes for column in texts)

    def groups(self, rows: Rows, digests: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Shape (n,): the same number for texts, or pairs, that say nearly the same."""
        from trainers.tasks.duplicates.clusters import clusters

        return clusters(self._joined(rows), NEAR)

    def likeness(self, rows: Rows) -> Likeness:
        """1 for the same words, less for those whose shingles are nearly the same, else 0."""
        texts = self._joined(rows)
        return lambda one, other: resemblance(texts[one], texts[other], NEAR)

    def _joined(self, rows: Rows) -> list[str]:
        columns = (column.to_pylist() for column in self.texts(rows))
        return [" ".join(row) for row in zip(*columns, strict=True)]

    def write_inputs(self, rows: Rows, folder: Path) -> None:
        """Write `texts.arrow`, to be mapped into memory, and `tokenizer.json`."""
        texts = self.texts(rows)
        table = pa.table(dict(zip(INPUTS, texts, strict=False)))
        with ipc.new_file(str(folder / "texts.arrow"), table.schema) as file:
            file.write_table(table)
        judged_on = self.held_out(self.read_inputs(folder, self._judged_on()))
        apart = HeldOut((text for column in judged_on for text in column), NEAR)
        np.save(folder / "apart.npy", self._apart(folder, apart), allow_pickle=False)
        if self.further:
            write_lines(cleaned(self.further.documents(), apart), folder / "further.txt")
        wordpiece.train(self._own_words(folder), self.vocabulary, folder / "tokenizer.json")

    def held_out(self, judged_on: Mapping[str, Sequence[str]]) -> Sequence[Sequence[str]]:
        """Columns of texts that no text to pre-train on may contain.

        Args:
            judged_on: the inputs of dev and test.
        """
        return [*judged_on.values()]

    def read_inputs(self, folder: Path, rows: NDArray[np.int64]) -> Mapping[str, Sequence[str]]:
        """The texts of some examples."""
        with pa.memory_map(str(folder / "texts.arrow")) as file:
            taken = ipc.open_file(file).read_all().take(pa.array(rows))
            return {name: taken.column(name).to_pylist() for name in taken.column_names}

    def corpus(self, folder: Path) -> Iterator[str]:
        """The training texts, where all seeds have the same, and the further ones.

        What contains a text of dev or test, or nearly so, is left out of both.

        Raises:
            TaskError: every seed has other training texts, and there are no further ones.
        """
        if not self.per_seed:
            rows = np.load(folder / "apart.npy", allow_pickle=False)
            yield from _lines(self.read_inputs(folder, rows))
        elif not self.further:
            raise TaskError(
                f"{self.name} has no text to pre-train on: with splits of its own, every seed "
                "judges on texts that another one trains on. "
                'Use splits="fixed", or further=Texts(...).'
            )
        if self.further:
            yield from read_lines(folder / "further.txt")

    def _apart(self, folder: Path, held_out: HeldOut) -> NDArray[np.int64]:
        """Rows of the training texts that contain nothing that is judged on."""
        if self.per_seed:
            return np.zeros(0, np.int64)
        rows = assign(self._survey(), self.parts, 0, self.name)["train"]
        lines = _lines(self.read_inputs(folder, rows))
        return rows[[not held_out.contained_in(line) for line in lines]]

    def _judged_on(self) -> NDArray[np.int64]:
        """Rows that some seed selects or is tested on."""
        survey = self._survey()
        if self.per_seed:
            return np.arange(len(survey.labels))
        rows = assign(survey, self.parts, 0, self.name)
        return np.concatenate([rows["dev"], rows["test"]])

    def _own_words(self, folder: Path) -> Iterator[str]:
        if not self.per_seed:
            return self.corpus(folder)
        survey = self._survey()
        drawn_from = np.flatnonzero(survey.origins == survey.splits.index(self.train.split))
        own = _lines(self.read_inputs(folder, drawn_from))
        return chain(own, self.corpus(folder)) if self.further else own


def _spread_and_longest(lengths: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most `count` rows, ascending: most at equal distances, the others the longest."""
    total = len(lengths)
    if total <= count:
        return np.arange(total)
    by_length, longest = np.argsort(lengths, kind="stable"), max(1, count // 10)
    others = np.sort(by_length[:-longest])
    spread = np.linspace(0, len(others) - 1, count - longest).astype(np.int64)
    return np.sort(np.concatenate([others[spread], by_length[-longest:]]))


def _lines(inputs: Mapping[str, Any]) -> Iterator[str]:
    return (" ".join(row) for row in zip(*inputs.values(), strict=True))
