"""Which class a label names: one rule, whatever the format that it is written in.

Two labels are one class when they differ only in how they are written: in blanks around or between
words, in composed or decomposed accents, in full-width characters (NFKC), or, of whole numbers, in
their spelling ("1", "1.0", "1e0", "+1", "01"). Where every label is a whole number or true or
false, true is 1 and false is 0. Labels that differ in case alone are refused, since nobody can know
whether "US" and "us" are one; `class_names` decides. A number that is not whole is no class, nor
is what stands for a missing value, such as "nan" or "None", unless it is named as a class.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.tasks.elsewhere.reading.columns import listed, require
from trainers.tasks.elsewhere.reading.tables import Rows

#: With a decimal comma too, unless it may stand between thousands.
_NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?|\d*,\d\d?)", re.IGNORECASE)
_ENDLESS = frozenset(("inf", "-inf", "+inf", "infinity", "-infinity"))
_TRUTH = {"false": 0, "true": 1}
_MISSING = frozenset(("nan", "none", "null", "<na>", "na", "n/a", "#n/a", "nat"))
_NAME_THEM = "Write the class out, or, where that is a class, name all of them: class_names=(…)"
_NO_NUMBERS = (
    "Labels are classes, and numbers are not predicted here: give each range of them a name "
    '("3.5 stars"), or a whole number.'
)


class Name(NamedTuple):
    """A label as it is compared.

    Attributes:
        text: the characters, however they were encoded and spaced.
        number: its value where it is a number; None elsewhere.
    """

    text: str
    number: Decimal | None

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole number."""
        return self.number is not None and self.number == self.number.to_integral_value()

    @property
    def key(self) -> str:
        """What is the same for all ways of writing one class."""
        return f"{self.number:f}".split(".")[0] if self.is_whole else self.text

    @property
    def value(self) -> int | None:
        """A whole number, true and false among them; None for all others."""
        return int(self.key) if self.is_whole else _TRUTH.get(self.text.casefold())


def name_of(label: object) -> Name:
    """How a label is compared with others.

    >>> name_of(1.0).key, name_of(" ０１ ").key, name_of("-0").key, name_of(" two\u00a0 stars").key
    ('1', '1', '0', 'two stars')
    >>> name_of(True).value, name_of("TRUE").value, name_of("yes").value
    (1, 1, None)
    """
    if isinstance(label, float) and math.isfinite(label):
        label = repr(label)
    text = unicodedata.normalize("NFKC", str(label))
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    text = " ".join(text.replace("\N{MINUS SIGN}", "-").split())
    number = Decimal(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None
    return Name(text, abs(number) if number == 0 else number)


def read_labels(
    rows: Rows, column: str, class_names: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The class of every row, and the names of all classes, whatever the file's format.

    Where classes are named, by the task or beside the table, labels are their names, or if not
    all of them are, their positions. Otherwise the values themselves are the classes, in ascending
    order.

    Raises:
        TaskError: with file and row, a label is missing, is no class or outside the classes, or
            differs from another in case alone.

    Returns:
        shape (n,), 0 … K−1, and K names.
    """
    values, codes = _distinct(rows, column)
    stated = class_names or rows.class_names.get(column, ())
    require_names(stated, f'{rows.where(0)}, column "{column}"')
    found = [name_of(value) for value in values]
    _require_labels(rows, column, found, codes, stated)
    names = stated or _own_classes(rows, column, found, codes)
    places = _by_name(found, names)
    if all(place is not None for place in places):
        return np.array(places, np.int64)[codes], names
    if any(name.value is None for name in found):
        outside = np.array([place is None for place in places])[codes]
        classes = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        require(rows, column, outside, f"the label is none of the classes {classes}")
    return _positions(rows, column, found, codes, names), names


def require_names(names: Sequence[str], where: str) -> None:
    """Refuse names of classes that are one and the same, or numbers that are not whole.

    Raises:
        TaskError: with the names.
    """
    found = [name_of(name) for name in names]
    if broken := [n.text for n in found if n.number is not None and not n.is_whole]:
        raise TaskError(f"{where}: the class {listed(broken)} is not a whole number. {_NO_NUMBERS}")
    once = Counter(name.key for name in found)
    if twice := [name for name, n in zip(names, found, strict=True) if once[n.key] > 1]:
        raise TaskError(f"{where}: {listed(twice)} are one class; name each class once.")


def _distinct(rows: Rows, column: str) -> tuple[list[Any], NDArray[np.int64]]:
    """The labels that occur, and shape (n,), which of them each row has."""
    values = rows.table.column(column)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    require(rows, column, values.is_null(nan_is_null=True), "the label is missing")
    kind = values.type
    plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if not any(fits(kind) for fits in (*plain, *texts)):
        raise TaskError(
            f'{rows.where(0)}, column "{column}": it holds {kind}, and a label is a word or a '
            "whole number, one for each example."
        )
    encoded = values.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)


def _require_labels(
    rows: Rows,
    column: str,
    found: Sequence[Name],
    codes: NDArray[np.int64],
    stated: Sequence[str],
) -> None:
    """Refuse what is no label of a class: nothing, a missing value, a number that is not whole."""
    known = {name_of(name).text.casefold() for name in stated}

    def refuse(bad: Sequence[bool], problem: str, way_out: str) -> None:
        require(rows, column, np.array(bad, bool)[codes], problem, way_out)

    refuse([not n.text for n in found], "the label is empty", "Correct or remove what is wrong.")
    refuse(
        [n.text.casefold() in _MISSING - known for n in found],
        "the label is written as missing values are",
        f"{_NAME_THEM}.",
    )
    refuse(
        [n.text.casefold() in _ENDLESS or (n.number is not None and not n.is_whole) for n in found],
        "the label is a number, and not a whole one",
        _NO_NUMBERS,
    )


def _own_classes(
    rows: Rows, column: str, found: Sequence[Name], codes: NDArray[np.int64]
) -> tuple[str, ...]:
    """The classes of labels that nobody named: whole numbers by size, else words by letters."""
    if all(name.value is not None for name in found):
        return tuple(map(str, sorted({int(name.value or 0) for name in found})))
    spellings: dict[str, dict[str, int]] = defaultdict(dict)
    for i, name in enumerate(found):
        spellings[name.key.casefold()].setdefault(name.key, i)
    if doubtful := [keys for keys in spellings.values() if len(keys) > 1]:
        raise TaskError(_in_case_alone(rows, column, doubtful, codes))
    return tuple(sorted({name.key for name in found}))


def _in_case_alone(
    rows: Rows, column: str, doubtful: Sequence[Mapping[str, int]], codes: NDArray[np.int64]
) -> str:
    def spelt(key: str, i: int) -> str:
        place = rows.where(int(np.argmax(codes == i)))
        return f'"{key}" ({place.removeprefix(f"{rows.files[0]}, ")})'

    said = "; ".join(
        " and ".join(spelt(key, i) for key, i in keys.items()) for keys in doubtful[:4]
    )
    more = f"; and {len(doubtful) - 4} further classes" if len(doubtful) > 4 else ""
    one = listed([min(keys, key=str.swapcase) for keys in doubtful])
    return (
        f'{rows.files[0]}, column "{column}": labels differ in case alone: {said}{more}. Where '
        f"they are one class, name the classes, and every spelling is taken: class_names=({one}"
        f"{', …' if len(doubtful) < 2 else ''}). Where they are several, name each of them."
    )


def _by_name(found: Sequence[Name], names: Sequence[str]) -> list[int | None]:
    """The class that each label names: as written, else in any case, else by its value."""
    stated = [name_of(name) for name in names]
    exact = {name.key: k for k, name in enumerate(stated)}
    folds = Counter(name.key.casefold() for name in stated)
    folded = {n.key.casefold(): k for k, n in enumerate(stated) if folds[n.key.casefold()] == 1}
    valued: dict[int | None, int] = {}
    if all(name.value is not None for name in (*found, *stated)):
        valued = {name.value: k for k, name in enumerate(stated)}
    return [
        exact.get(name.key, folded.get(name.key.casefold(), valued.get(name.value)))
        for name in found
    ]


def _positions(
    rows: Rows, column: str, found: Sequence[Name], codes: NDArray[np.int64], names: Sequence[str]
) -> NDArray[np.int64]:
    values = [int(name.value or 0) for name in found]
    hidden = "; the hub hides labels as -1" if -1 in values else ""
    outside = np.array([not 0 <= value < len(names) for value in values])[codes]
    problem = f"the label is outside the classes 0 … {len(names) - 1}{hidden}"
    require(rows, column, outside, problem)
    return np.array(values, np.int64)[codes]


def require_classes(
    found: NDArray[np.int64], names: Sequence[str], where: str, split: str = "train"
) -> None:
    """Raise TaskError unless there are two classes and each has an example."""
    if len(names) < 2:
        raise TaskError(f'{where}: all labels are "{names[0]}"; a task needs at least two classes.')
    empty = absent(found, names)
    if len(empty):
        raise TaskError(
            f"{where}: no example of class {listed([names[k] for k in empty])} is in {split}. "
            "Name only the classes that occur, or give more examples."
        )


def absent(found: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int64]:
    """Which of the classes have no example."""
    return np.flatnonzero(np.bincount(found, minlength=len(names)) == 0)
