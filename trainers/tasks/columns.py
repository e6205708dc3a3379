"""What a column must hold: classes as numbers, texts that say something."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.tasks.tables import Rows


def labels(
    rows: Rows, column: str, class_names: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The class of every row, and the names of all classes, whatever the file's format.

    Where classes are named, by the task or beside the table, labels are their names, or if not
    all of them are, their positions. Otherwise the values themselves are the classes, in ascending
    order.

    Raises:
        TaskError: with file and row, a label is missing or outside the classes.

    Returns:
        shape (n,), 0 … K−1, and K names.
    """
    values = _plain(rows, column)
    names = class_names or rows.class_names.get(column, ())
    if not names:
        names = tuple(str(value) for value in sorted(values.unique().to_pylist()))
    found = pc.index_in(values.cast(pa.string()), pa.array(names, pa.string()))
    if not found.null_count or not pa.types.is_integer(values.type):
        listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        require(rows, column, found.is_null(), f"the label is none of the classes {listed}")
        return found.to_numpy().astype(np.int64), names
    positions = values.to_numpy().astype(np.int64)
    outside = (positions < 0) | (positions >= len(names))
    hidden = "; the hub hides labels as -1" if -1 in positions else ""
    problem = f"the label is outside the classes 0 … {len(names) - 1}{hidden}"
    require(rows, column, pa.array(outside), problem)
    return positions, names


def _plain(rows: Rows, column: str) -> Any:
    """The labels as whole numbers where all of them are such, else as texts."""
    values = rows.table.column(column)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    require(rows, column, values.is_null(nan_is_null=True), "the label is missing")
    if pa.types.is_floating(values.type):
        broken = pc.not_equal(values, pc.round(values))
        require(rows, column, broken, "the label is not a whole number")
    if pa.types.is_floating(values.type) or pa.types.is_boolean(values.type):
        return values.cast(pa.int64())
    if pa.types.is_integer(values.type):
        return values
    values = as_text(rows, column, values)
    require(rows, column, pc.equal(values, ""), "the label is empty")
    whole = pc.all(pc.match_substring_regex(values, r"^-?(0|[1-9]\d{0,17})$")).as_py()
    return values.cast(pa.int64()) if whole else values


def texts(rows: Rows, column: str) -> Any:
    """The texts of a column, as an array of strings.

    Raises:
        TaskError: with file and row, a text is missing, empty or blank.
    """
    values = rows.table.column(column)
    require(rows, column, values.is_null(nan_is_null=True), "the text is missing")
    values = as_text(rows, column, values)
    blank = pc.equal(pc.utf8_trim_whitespace(values), "")
    require(rows, column, blank, "the text is empty")
    return values


def as_text(rows: Rows, column: str, values: Any) -> Any:
    """The values as an array of strings, the missing among them; TaskError if they are no text."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return values.cast(pa.large_string())
    raise TaskError(f'{rows.where(0)}, column "{column}": it holds {values.type}, not text.')


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


def listed(names: Sequence[str]) -> str:
    """The first names in quotes, and how many more there are.

    >>> listed(["a", "b"])
    '"a", "b"'
    """
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(f'"{name}"' for name in names[:8]) + more


def require(rows: Rows, column: str, bad: Any, problem: str) -> None:
    """Raise TaskError with the first row where ``bad`` is true, and the number of others."""
    flags = np.asarray(bad.to_numpy(zero_copy_only=False) if isinstance(bad, pa.Array) else bad)
    found = np.flatnonzero(flags)
    if not len(found):
        return
    first = int(found[0])
    value = str(rows.table.column(column)[first].as_py())[:40]
    others = f" So it is in {len(found) - 1} further rows." if len(found) > 1 else ""
    raise TaskError(
        f'{rows.where(first)}, column "{column}": {problem}; it reads "{value}".{others} '
        "Correct or remove what is wrong."
    )
