"""FewRel (Han et al. 2018): which relation holds between two things that a sentence names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import pyarrow as pa

from trainers.errors import TaskError
from trainers.tasks.elsewhere.reading import columns
from trainers.tasks.elsewhere.reading.tables import Rows
from trainers.tasks.elsewhere.text import TextTask
from trainers.tasks.faults import gather
from trainers.tasks.parts import Part


@dataclass(frozen=True)
class FewRel(TextTask):
    """Relations of Wikidata, split anew by every seed into 500, 100 and 100 of each class.

    Attributes:
        form: "concatenation" puts the head's and the tail's text after the sentence, as in
            arXiv 2205.12428; "markers" puts "$" around the head and "#" around the tail, the plain
            signs of Wu and He (2019), which every vocabulary has.

    Raises:
        TaskError: a field is out of range, or, when the data are read, they are missing or unfit.
    """

    revision: ClassVar[int] = 2

    data: str = "thunlp/few_rel"
    label: str = "relation"
    train: Part = Part("train_wiki", 500, per_class=True)
    dev: Part = Part("train_wiki", 100, per_class=True)
    test: Part = Part("train_wiki", 100, per_class=True)
    splits: Literal["fixed", "per_seed"] = "per_seed"
    name: str = "few_rel"
    form: Literal["concatenation", "markers"] = "concatenation"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.form not in ("concatenation", "markers"):
            raise TaskError(
                f'FewRel: form={self.form!r} is unknown. Choose "concatenation" or "markers".'
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the texts are made from."""
        return ("tokens", "head", "tail")

    def reading(self) -> dict[str, Any]:
        """The fields that shape the prepared folder."""
        return super().reading() | {"form": self.form}

    def texts(self, rows: Rows) -> list[Any]:
        """One text of each row, its tokens joined by spaces."""
        gather(partial(_require_all, rows, column) for column in self.columns)
        table = (rows.table.column(column).to_pylist() for column in self.columns)
        put = _marked if self.form == "markers" else _concatenated
        made = [put(tokens, head, tail) for tokens, head, tail in zip(*table, strict=True)]
        return [pa.array(made, pa.large_string())]


def _require_all(rows: Rows, column: str) -> None:
    columns.require(rows, column, rows.table.column(column).is_null(), "it is missing")


def _concatenated(tokens: list[str], head: dict[str, Any], tail: dict[str, Any]) -> str:
    return " ".join([*tokens, head["text"], tail["text"]])


def _marked(tokens: list[str], head: dict[str, Any], tail: dict[str, Any]) -> str:
    """The sentence with signs around the first mention of both.

    >>> _marked(["Rome", "is", "in", "Italy"], {"indices": [0]}, {"indices": [[3]]})
    '$ Rome $ is in # Italy #'
    """
    opening: dict[int, str] = {}
    closing: dict[int, str] = {}
    for sign, thing in (("$", head), ("#", tail)):
        mention = thing["indices"]
        if mention and isinstance(mention[0], list):
            mention = mention[0]
        if mention:
            opening[min(mention)] = f"{opening.get(min(mention), '')}{sign} "
            closing[max(mention)] = f" {sign}{closing.get(max(mention), '')}"
    return " ".join(
        opening.get(i, "") + token + closing.get(i, "") for i, token in enumerate(tokens)
    )
