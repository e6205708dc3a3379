"""Columns of tables on disk, whatever their format, and where each row lies."""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, ipc, parquet
from pyarrow import json as json_lines

from trainers.errors import TaskError
from trainers.tasks.layout import IMAGES


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
        if self.files[file].suffix.lower() in IMAGES:
            return str(self.files[file])
        return f"{self.files[file]}, row {row - self.starts[file] + 1}"


def read(files: Sequence[Path], columns: Sequence[str]) -> Rows:
    """Read some columns of files that follow each other.

    Parquet and saved data sets are read column by column, the latter from mapped memory.

    Args:
        files: in order; all have the columns.
        columns: names of columns.

    Raises:
        TaskError: a column is missing, a file is damaged, or it is not in UTF-8.
    """
    tables: list[Any] = []
    starts: list[int] = []
    names: dict[str, tuple[str, ...]] = {}
    total = 0
    for file in files:
        table = _table(file, columns)
        if missing := [c for c in columns if c not in table.column_names]:
            listed = ", ".join(table.column_names)
            raise TaskError(
                f"{file}: there is no column {_quoted(missing)}; it has {listed}. "
                "Name the right ones in the task."
            )
        table = table.select(list(columns))
        names |= _class_names(table.schema)
        starts.append(total)
        total += table.num_rows
        tables.append(table)
    try:
        joined = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TaskError(f"{files[0]} and the files after it do not agree: {error}") from error
    return Rows(joined, files, starts, names)


def _table(file: Path, columns: Sequence[str]) -> Any:
    if not file.is_file():
        raise TaskError(f"{file} is missing.")
    try:
        match file.suffix:
            case ".parquet":
                there = [c for c in columns if c in parquet.read_schema(file).names]
                if len(there) < len(set(columns)):
                    return parquet.read_schema(file).empty_table()
                return parquet.ParquetFile(file).read(columns=there)
            case ".csv":
                return _csv(file, columns)
            case ".jsonl" | ".json":
                return json_lines.read_json(file)
            case ".arrow":
                return ipc.open_stream(pa.memory_map(str(file))).read_all()
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeDecodeError, OSError) as error:
        if undecodable := _undecodable_line(file):
            raise TaskError(
                f"{file}, line {undecodable}: it is not in UTF-8. Convert it: "
                f"iconv -f latin1 -t utf-8 {file.name}"
            ) from error
        raise TaskError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    raise TaskError(f"{file}: give a file that ends in .parquet, .jsonl, .json or .csv.")


def _csv(file: Path, columns: Sequence[str]) -> Any:
    """A CSV file whose texts stay as they are written, words such as "NA" and "True" included."""
    parsing = csv.ParseOptions(newlines_in_values=True)
    typed = {c: pa.string() for c in columns}
    return csv.read_csv(
        file,
        parse_options=parsing,
        convert_options=csv.ConvertOptions(column_types=typed, strings_can_be_null=False),
    )


def _undecodable_line(file: Path) -> int | None:
    """The first line of a text file that is not UTF-8, from 1; None where there is none."""
    if file.suffix not in (".csv", ".jsonl", ".json"):
        return None
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return None


def _class_names(schema: Any) -> dict[str, tuple[str, ...]]:
    """Names of classes that ``datasets`` keeps beside a table."""
    kept = (schema.metadata or {}).get(b"huggingface")
    features = json.loads(kept).get("info", {}).get("features", {}) if kept else {}
    return {
        name: tuple(map(str, feature["names"]))
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and "names" in feature
    }


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
