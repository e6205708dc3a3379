"""A table of published results: read, checked, and refused with the row and the column."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from stats.audit.attainable import exact_tests
from stats.audit.cell import METRICS, PrintedCell
from stats.audit.sizes import SPLITS
from stats.audit.spelling import meant
from stats.errors import ScoresError, StatsError
from stats.printed.cells import mean_and_spread, plain
from stats.table.reading.place import Place
from stats.two_arms.signed_rank import EXACT_LIMIT

if TYPE_CHECKING:
    from _csv import Reader

    import pandas as pd

NAMES = ("table", "split", "model", "init", "teacher", "method", "task", "metric")
REQUIRED = ("method", "mean", "n")
OPTIONAL = ("task", "sd", "mean_decimals", "sd_decimals", "examples", "step", "test", "p")
FIGURES = ("mean", "sd", "step", "p")
COLUMNS = tuple(dict.fromkeys((*NAMES, "mean", "sd", "n", *OPTIONAL)))

#: Other names of columns, where a table has no column of the known one.
ALSO_CALLED = {"score": "mean", "seeds": "n", "runs": "n", "dataset": "task"}
#: How the number of runs may be written.
RUNS = re.compile(r"(?:n\s*=\s*)?(?P<n>\d+)\s*(?P<what>seeds?|runs?)?", re.IGNORECASE)

NUMBER = re.compile(r"-?(\d{1,15}(\.\d{1,15})?|\.\d{1,15})")
COMMA = re.compile(r"\s*[-<\N{MINUS SIGN}]?\d+,\d")

Row = Mapping[str, str]


def read_printed_tables(path: str | Path) -> pd.DataFrame:
    """Read published results from a CSV file, one row for each mean or p-value, all as text.

    Columns, of which `method`, `mean` and `n` are needed:

    - `table, split, model, init, teacher, method, task, metric`: what the figure is of. Rows of
      one table, split, model and init are compared with the first method among them. `accuracy`
      is checked for whole counts; a row of metric `mean_of_tasks` is checked to be the average of
      the other tasks of its arm.
    - `mean, sd`: as printed, with trailing zeros; or `62.13 ± 0.67` or `62.13 (0.67)` in `mean`
      alone, perhaps in LaTeX or Markdown, bold, or with daggers.
    - `n`: runs behind the mean, as 8 or "8 seeds". Where they are missing, `score` is the mean,
      `seeds`, `runs`, or a `seed` of that form are n, and `dataset` is the task.
    - `mean_decimals, sd_decimals`: digits after the point, to notice zeros that a spreadsheet ate.
    - `examples`: of the test set, where it is not a well-known one.
    - `step`: if each run's score was rounded before the mean was taken, to what: GLUE's server
      gives one decimal, so 0.1.
    - `test, p`: a printed p-value and the test that it is said to be of, with an empty `mean`.

    Raises:
        ScoresError: the file or a row of it cannot be read; the message names line and column.
    """
    import pandas as pd

    source = Path(path).name
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header, rows, lines = _parse(csv.reader(file, strict=True), source)
    except OSError as error:
        raise ScoresError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScoresError(f"{source}: not UTF-8 text; save the table as UTF-8") from error
    frame = pd.DataFrame(rows, columns=header, index=pd.Index(lines, name="line"), dtype=str)
    cells_of(frame, source)
    return frame


def _parse(reader: Reader, source: str) -> tuple[list[str], list[list[str]], list[int]]:
    rows, lines = [], []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_separator(header, source)
        for row in reader:
            if any(cell.strip() for cell in row):
                _check_width(row, header, Place(source, f"line {reader.line_num}"))
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise ScoresError(f"{source}: not CSV ({error})") from error
    return header, rows, lines


def _check_width(row: Sequence[str], header: Sequence[str], place: Place) -> None:
    """As many fields as columns; a decimal comma makes one more, beginning at its column."""
    if len(row) == len(header):
        return
    said = f"{len(row)} fields under {len(header)} column names"
    for name, cell, following in zip(header, row, row[1:], strict=False):
        if name in FIGURES and len(row) > len(header) and COMMA.match(f"{cell},{following}"):
            raise ScoresError(
                f'{place}, column {name}: "{cell},{following}" has a comma, which makes {said}; '
                "decimals need a point, as in 62.13"
            )
    raise ScoresError(f"{place}: {said}; decimals need a point, as in 62.13")


def _check_separator(header: Sequence[str], source: str) -> None:
    if len(header) == 1 and re.search("[;\t]", header[0]):
        raise ScoresError(f"{source}, line 1: columns are separated by commas, decimals by points")


def _check_header(header: Sequence[str], source: str) -> None:
    for name in header:
        if name not in COLUMNS:
            close = difflib.get_close_matches(name, COLUMNS, 1)
            hint = f' (is it "{close[0]}"?)' if close else ""
            known = ", ".join(COLUMNS)
            raise ScoresError(f'{source}: unknown column "{name}"{hint}; known are {known}')
        if header.count(name) > 1:
            raise ScoresError(f"{source}: column {name} occurs {header.count(name)} times")
    if missing := [name for name in REQUIRED if name not in header]:
        raise ScoresError(f"{source}: no column {' or '.join(missing)}; it has {', '.join(header)}")


def cells_of(frame: pd.DataFrame, source: str, spread: str = "sd") -> list[PrintedCell]:
    """The rows of a data frame of text, as `read_printed_tables` returns it.

    Args:
        frame: of text.
        source: what messages call it.
        spread: what is printed behind the ±, one of `choices.SPREADS`.

    Raises:
        ScoresError: as for a file; rows are called by the index of the frame.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise ScoresError(f"{source}: a data frame is needed, not {type(frame).__name__}")
    frame = _with_known_names(frame)
    _check_header([str(name) for name in frame.columns], source)
    if frame.empty:
        raise ScoresError(f"{source}: no results in it")
    kind = frame.index.name or "row"
    records = frame.to_dict("records")
    rows: list[tuple[Place, dict[str, str]]] = []
    for index, record in zip(frame.index, records, strict=True):
        place = Place(source, f"{kind} {index}")
        rows.append((place, {str(k): _text(v, place, str(k)) for k, v in record.items()}))
    split = [(place, _split(row, place)) for place, row in rows]
    units = _units([row for _, row in split])
    cells = [_cell(row, place, units[row.get("table", "")], spread) for place, row in split]
    _check_once(cells, [place for place, _ in rows])
    return cells


def _with_known_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns under the names that are known; one of seeds is n where it says how many they are."""
    names = [str(name) for name in frame.columns]
    also = dict(ALSO_CALLED)
    if "seed" in names:
        held = [RUNS.fullmatch(str(each).strip()) for each in frame["seed"].to_numpy().ravel()]
        if held and all(each and each["what"] for each in held):
            also["seed"] = "n"
    new: list[str] = []
    for name in names:
        known = also.get(name, name)
        new.append(name if known in (*names, *new) else known)
    return frame.set_axis(new, axis=1)


def _text(value: object, place: Place, column: str) -> str:
    if value is None or value != value:  # NaN is what pandas makes of an empty cell
        return ""
    if not isinstance(value, str):
        raise ScoresError(f"{place}, column {column}: give text as printed, not {value!r}")
    return value.strip().replace("\N{MINUS SIGN}", "-")


def _split(row: dict[str, str], place: Place) -> dict[str, str]:
    """`62.13 ± 0.67` or `62.13 (0.67)` in one cell becomes a mean and an sd, without its looks."""
    row = row | {name: plain(row[name]) for name in ("mean", "sd") if name in row}
    where = f"{place}, column mean"
    try:
        mean, sd = mean_and_spread(row["mean"])
    except StatsError as error:
        raise ScoresError(f"{where}: {error}") from error
    if not sd:
        return row
    if row.get("sd"):
        raise ScoresError(f'{where}: "{row["mean"]}" has an sd, and column sd another')
    return row | {"mean": mean, "sd": sd}


def _units(rows: Sequence[Row]) -> dict[str, int]:
    """100 for tables in which some mean is above 1, 1 for tables of fractions."""
    units: dict[str, int] = {}
    for row in rows:
        table = row.get("table", "")
        large = NUMBER.fullmatch(row["mean"]) is not None and abs(float(row["mean"])) > 1
        units[table] = max(units.get(table, 1), 100 if large else 1)
    return units


def _cell(row: Row, place: Place, unit: int, spread: str) -> PrintedCell:
    names = {name: row.get(name, "") for name in NAMES}
    for needed in ("method", "task"):
        if needed in row and not names[needed]:
            raise ScoresError(f"{place}, column {needed}: empty")
    names["metric"] = names["metric"].lower()
    _check_spelling(names, place)
    p_value, test = row.get("p", ""), row.get("test", "").lower()
    mean, sd = row["mean"], row.get("sd", "")
    if not mean and not p_value:
        raise ScoresError(f"{place}, column mean: empty; give a mean, or a p-value in column p")
    if mean:
        _check_number(mean, place, "mean", row.get("mean_decimals", ""))
    if sd:
        _check_number(sd, place, "sd", row.get("sd_decimals", ""))
        if sd.startswith("-"):
            raise ScoresError(f"{place}, column sd: {sd} is negative")
    runs = RUNS.fullmatch(row["n"])
    n = _count(runs["n"] if runs else row["n"], place, "n", "the number of runs behind the figure")
    if p_value:
        _check_p_value(p_value, test, mean, place)
        if n > EXACT_LIMIT:
            raise ScoresError(f"{place}, column n: tests are exact up to {EXACT_LIMIT:,} pairs")
    return PrintedCell(
        **names,
        mean=mean,
        sd=sd,
        n=n,
        unit=unit,
        examples=_examples(row.get("examples", ""), place),
        step=_step(row.get("step", ""), unit, place),
        test=test,
        p_value=p_value,
        spread=spread,
    )


def _check_spelling(names: Row, place: Place) -> None:
    for column, known in (("metric", METRICS), ("split", tuple(SPLITS))):
        if close := meant(names[column], known):
            raise ScoresError(
                f'{place}, column {column}: "{names[column]}" is not known; is it "{close}"?'
            )


def _check_number(text: str, place: Place, column: str, said: str = "") -> None:
    where = f'{place}, column {column}: "{text}"'
    if "," in text:
        raise ScoresError(f"{where} has a comma; decimals need a point, as in 62.13")
    if text.endswith("%"):
        raise ScoresError(f"{where} has a percent sign; leave it out")
    if not NUMBER.fullmatch(text):
        raise ScoresError(f"{where} is not a printed number; leave out what was not measured")
    decimals = len(text.partition(".")[2])
    if said and said != str(decimals):
        raise ScoresError(
            f"{where} has {decimals} decimals, and column {column}_decimals says {said}; give the "
            "number as printed, with its trailing zeros"
        )


def _check_p_value(p_value: str, test: str, mean: str, place: Place) -> None:
    if mean:
        raise ScoresError(f"{place}, column p: a mean and a p-value need a row each")
    if test not in exact_tests():
        known = ", ".join(exact_tests())
        raise ScoresError(f'{place}, column test: "{test}" is not among the exact tests: {known}')
    text = p_value.removeprefix("<").strip()
    _check_number(text, place, "p")
    if not 0 <= Fraction(text) <= 1:
        raise ScoresError(f"{place}, column p: {text} is no probability")


def _count(text: str, place: Place, column: str, what: str) -> int:
    if not text:
        raise ScoresError(f"{place}, column {column}: empty; give {what}")
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < 1:
        raise ScoresError(f'{place}, column {column}: "{text}" is no whole number of at least 1')
    return int(text)


def _examples(text: str, place: Place) -> int | None:
    return _count(text, place, "examples", "") if text else None


def _step(text: str, unit: int, place: Place) -> Fraction | None:
    if not text:
        return None
    _check_number(text, place, "step")
    step = Fraction(text)
    if step <= 0 or (unit / step).denominator != 1:
        raise ScoresError(f"{place}, column step: {text} does not divide {unit}")
    return step


def _check_once(cells: Sequence[PrintedCell], places: Sequence[Place]) -> None:
    seen: dict[tuple[str, ...], Place] = {}
    for cell, place in zip(cells, places, strict=True):
        identity = (*cell.arm, cell.task, cell.metric, cell.test)
        if identity in seen:
            named = f"{cell.row}, task {cell.task}"
            raise ScoresError(
                f"{place}: a second figure for {named} (the first is in {seen[identity].row})"
            )
        seen[identity] = place
