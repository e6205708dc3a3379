"""Columns of tables on disk, whatever their format, and where each row lies.

Parquet and saved sets are read by Arrow, as `datasets` reads them, here without a copy in a cache
and file by file, so that one at fault is named.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc, parquet

from trainers.errors import TaskError
from trainers.tasks.elsewhere.reading import damage, encodings, json_records, separated
from trainers.tasks.elsewhere.reading.folders import ending
from trainers.tasks.elsewhere.reading.layout import IMAGES, TABLES
from trainers.tasks.faults import gather


@dataclass(frozen=True)
class Rows:
    """The columns asked for of several files, one after the other.

    Attributes:
        table: the columns, in the order in which they were asked for.
        files: where the rows come from.
        starts: the first row of each file.
        class_names: of columns whose schema names classes, as the hub's data sets do.
    """

    table: Any
    files: Sequence[Path]
    starts: Sequence[int]
    class_names: dict[str, tuple[str, ...]]

    def where(self, row: int) -> str:
        """File and row of an example, for messages; rows count from 1, without a header."""
        file = bisect_right(self.starts, row) - 1
        if ending(self.files[file]) in IMAGES:
            return str(self.files[file])
        return f"{self.files[file]}, row {row - self.starts[file] + 1}"

    def place(self, row: int) -> tuple[str, str]:
        """Name of the file and number of the row, from 1."""
        file = bisect_right(self.starts, row) - 1
        return self.files[file].name, str(row - self.starts[file] + 1)


def read(files: Sequence[Path], columns: Sequence[str]) -> Rows:
    """Read some columns of files that follow each other.

    Parquet and saved data sets are read column by column, the latter from mapped memory.

    Args:
        files: in order; all have the columns.
        columns: names of columns.

    Raises:
        TaskError: of every file at fault, a column is missing or there twice, the file is damaged,
            or it is not in UTF-8.
    """
    tables = gather(partial(_selected, file, columns) for file in files)
    starts: list[int] = []
    names: dict[str, tuple[str, ...]] = {}
    total = 0
    for table in tables:
        names |= _class_names(table.schema)
        starts.append(total)
        total += table.num_rows
    try:
        joined = pa.concat_tables(_alike(tables), promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TaskError(f"{files[0]} and the files after it do not agree: {error}") from error
    return Rows(joined, files, starts, names)


def _alike(tables: Sequence[Any]) -> Sequence[Any]:
    """The tables; a column is text in all of them where it is text in one and numbers in others."""
    found: dict[str, set[str]] = {}
    for field in (field for table in tables for field in table.schema):
        found.setdefault(field.name, set()).add(_kind(field.type))
    mixed = [name for name, kinds in found.items() if len(kinds) > 1 and "" not in kinds]
    return [_as_text(table, mixed) for table in tables]


def _as_text(table: Any, columns: Sequence[str]) -> Any:
    for name in columns:
        values = table.column(name)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        place = table.column_names.index(name)
        table = table.set_column(place, name, values.cast(pa.large_string()))
    return table


def _kind(kind: Any) -> str:
    """What the single values of a column are; empty where they are none."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_boolean(kind):
        return "true or false"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return "text" if is_text else ""


def _selected(file: Path, columns: Sequence[str]) -> Any:
    """The columns of one file, sound to the last byte of their texts."""
    if not file.is_file():
        raise TaskError(f"{file} is missing.")
    texts = (*separated.ENDINGS, *json_records.ENDINGS)
    if ending(file) in texts and (encoding := encodings.wide(file)):
        raise TaskError(encodings.not_utf8(file, "", encoding))
    try:
        table = _table(file, columns)
        there = table.column_names
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeDecodeError, OSError) as error:
        raise TaskError(damage.told(file, error)) from error
    if missing := [c for c in columns if c not in there]:
        raise TaskError(_without(file, missing, there))
    if repeated := [c for c in columns if there.count(c) > 1]:
        raise TaskError(
            f"{file}: more than one column is called {_quoted(repeated)}. Rename or remove one."
        )
    table = table.select(list(columns))
    gather(partial(_require_text, file, table, column) for column in columns)
    return _computable(table)


def _computable(table: Any) -> Any:
    """The same values, of types that Arrow can compare and write as text."""
    for place, field in enumerate(table.schema):
        wider = _wider(field.type)
        if wider != field.type:
            column = table.column(place).cast(wider)
            table = table.set_column(place, field.with_type(wider), column)
    return table


def _wider(kind: Any) -> Any:
    """A type that holds all values of another one and has all of Arrow's functions."""
    if pa.types.is_dictionary(kind):
        inner = _wider(kind.value_type)
        return kind if inner == kind.value_type else inner
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal(kind) and kind.bit_width < 128:
        return pa.decimal128(kind.precision, kind.scale)
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def _require_text(file: Path, table: Any, column: str) -> None:
    """Raise TaskError with the row where bytes are no UTF-8, which most readers let pass."""
    values = table.column(column)
    try:
        values.validate(full=True)
    except pa.ArrowInvalid as error:
        raise TaskError(damage.undecodable(file, column, values)) from error


def _table(file: Path, columns: Sequence[str]) -> Any:
    match ending(file):
        case ".parquet":
            schema = parquet.read_schema(file)
            if not set(columns) <= set(schema.names):
                return schema.empty_table()
            return parquet.ParquetFile(file).read(columns=list(columns))
        case form if form in separated.ENDINGS:
            return separated.read(file, columns)
        case form if form in json_records.ENDINGS:
            return json_records.read(file, columns)
        case ".arrow":
            return ipc.open_stream(pa.memory_map(str(file))).read_all()
    raise TaskError(f"{file}: give a file that ends in {', '.join(TABLES)}.")


def _without(file: Path, missing: Sequence[str], there: Sequence[str]) -> str:
    """A message on columns that are not there, or on a header that is not."""
    said = f"{file}: there is no column {_quoted(missing)}; "
    if ending(file) in separated.ENDINGS and separated.header(file, ()).reads_like_an_example:
        begins = [name if len(name) < 30 else f"{name[:28]}…" for name in there]
        return (
            f"{said}its first line reads {_quoted(begins)}. If that is an example already, the "
            f"file has no header: write a line above it that names its {len(there)} columns, "
            f"{_quoted(missing)} among them. If not, name the right ones in the task."
        )
    return f"{said}it has {', '.join(there) or 'none'}. Name the right ones in the task."


def _class_names(schema: Any) -> dict[str, tuple[str, ...]]:
    """Names of classes that `datasets` keeps beside a table.

    Its `Features` refuse a schema for one feature that they do not know, of whichever column.
    """
    kept = (schema.metadata or {}).get(b"huggingface")
    features = json.loads(kept).get("info", {}).get("features", {}) if kept else {}
    return {
        name: tuple(map(str, feature["names"]))
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and "names" in feature
    }


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
