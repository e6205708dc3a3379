"""The tidy table of scores that everything here reads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stats.errors import ScoresError
from stats.inputs import LARGEST, SMALLEST
from stats.table.direction import DIRECTIONS
from stats.table.reading.columns import asked, proposed, renamed
from stats.table.reading.duplicates import check_once
from stats.table.reading.files import Lines, plain_numbers, read_files
from stats.table.reading.folds import in_folds
from stats.table.reading.place import Place, PlaceOf
from stats.table.reading.seeds import alike, seed_of
from stats.table.reading.spellings import check_spellings

if TYPE_CHECKING:
    import pandas as pd

#: Columns that together name one score; each combination may occur once.
IDENTITY = ("model", "init", "method", "task", "seed", "split", "metric")

REQUIRED = ("method", "seed", "score")
COLUMNS = (*IDENTITY, "score", "status", "direction")

#: Other names of columns, in lower case.
ALSO_CALLED = {"dataset": "task", "data_set": "task", "benchmark": "task"}

#: What a table may have a column for each of.
Wide = Literal["seed", "method", "task", "metric"]

#: How a failed seed may be written in the column of scores, in lower case.
NO_SCORE = frozenset({"", "nan", "na", "n/a", "null", "none", "<na>"})


def read_scores(
    path: str | Path | Sequence[str | Path],
    metric: str | None = None,
    columns: Mapping[str, str] | None = None,
    wide: Wide | None = None,
    folds: str | None = None,
) -> pd.DataFrame:
    """Read a table of scores: CSV with commas, semicolons or tabs, records in JSON, and sheets.

    A file may also be a workbook (.xlsx), of which the first sheet is read, or Parquet, and be
    compressed by gzip; a folder holds runs of `transformers.Trainer`, whose paths may say method
    and seed. It has the columns `method, seed, score`, and may have `model, init, task,
    split, metric`, `status`, which says why a score is missing, and `direction`, which says of
    each metric whether "lower" or "higher" is better. Names may have capitals, and `dataset` is a
    task.
    Other columns are left out. A score that is empty or NaN is a failed seed, and stays as a row.
    Seeds are matched by number: 42, 42.0 and seed_42 are one.

    Args:
        path: of the file or folder, or of several that are read as one table.
        metric: a column to read as the score, where each metric has a column of its own.
        columns: by a name that is known here what the file calls it, as in
            `{"method": "Name", "seed": "config.seed"}`.
        wide: what there is a column for each of: every column of numbers that has no known name
            is one, called by its header.
        folds: for scores of a cross-validation the column of the fold, "" for one that is called
            so; seeds are then its repetitions, and become "REPETITION/FOLD". None, and "" where
            there is no such column, leave seeds as they are.

    Returns:
        The columns of `stats.scores.COLUMNS`, absent ones filled with "".

    Raises:
        ScoresError: the file cannot be read, has no rows, lacks a column, or holds text in
            `score`, an infinite score, two scores for the same run, or two names that differ in
            capitals alone; the message names file, line and column.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    source = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    return scores_of_lines(read_files(paths), source, metric, columns, wide, folds)


def scores_of_lines(
    lines: Lines,
    source: str,
    metric: str | None = None,
    columns: Mapping[str, str] | None = None,
    wide: Wide | None = None,
    folds: str | None = None,
) -> pd.DataFrame:
    """`read_scores` of rows that have been read already.

    Args:
        lines: the rows as text.
        source: what messages call all of them.
        metric: as of `read_scores`; columns, wide and folds likewise.

    Raises:
        ScoresError: as of `read_scores`.
    """
    import pandas as pd

    held = zip(*lines.rows, strict=True) if lines.rows else [()] * len(lines.header)
    header = renamed(lines.header, columns or {}, source)
    named = list(zip(header, held, strict=True))
    if not named:
        raise ScoresError(f"{source}: no scores in it")
    frame = pd.concat(
        [pd.Series(list(column), dtype=object, name=name) for name, column in named], axis=1
    )
    called = (columns or {}).get("score", "score")
    if called.lower() != "score" and "metric" not in header:
        frame["metric"] = called  # whose words say whether less is better
    places = lines.places
    if wide:
        frame, places = _long(_with_known_names(frame, None), wide, places, source)
    if folds is not None:
        known = _with_known_names(frame, metric)
        frame = in_folds(known, folds, lambda row: places[int(row)], source)
    table = _validated(frame, source, places, metric)
    check_spellings(table, lambda row: places[int(row)])
    return table


def _long(
    frame: pd.DataFrame, wide: Wide, places: list[Place], source: str
) -> tuple[pd.DataFrame, list[Place]]:
    """A row for each score of a table that has a column for each seed, arm, task or metric."""
    if wide in frame or "score" in frame:
        there = wide if wide in frame else "score"
        raise ScoresError(
            f"{source}: it has a column {there}, and so no column for each {wide}; leave out --wide"
        )
    each = [name for name in frame if name not in COLUMNS and _is_numeric(frame[name])]
    if not each:
        raise ScoresError(f"{source}: no column of numbers to be one {wide} each")
    kept = [name for name in frame if name in COLUMNS]
    long = frame.melt(kept, each, var_name=wide, value_name="score", ignore_index=False)
    places = [
        Place(places[row].source, f"{places[row].row}, column {name}")
        for row, name in zip(long.index, long[wide], strict=True)
    ]
    return long.reset_index(drop=True), places


def validate_scores(frame: pd.DataFrame, source: str = "scores") -> pd.DataFrame:
    """Check a data frame of scores as `read_scores` checks a file.

    A column `direction` is kept, and read by whatever judges the scores.

    Args:
        frame: at least the columns `method, seed, score`.
        source: what messages call the frame; rows are counted from 0.

    Returns:
        A new frame with the columns of `stats.scores.COLUMNS`.

    Raises:
        ScoresError: as for `read_scores`.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise ScoresError(f"{source}: a data frame is needed, not {type(frame).__name__}")
    return _validated(frame.reset_index(drop=True), source, None, None)


def _validated(
    given: pd.DataFrame, source: str, places: list[Place] | None, metric: str | None
) -> pd.DataFrame:
    frame = _with_known_names(given, metric)
    _check_columns([str(name) for name in frame.columns], given, source)
    if frame.empty:
        raise ScoresError(f"{source}: no scores in it")
    import pandas as pd

    def place(row: Any) -> Place:
        return Place(source, f"row {row}") if places is None else places[int(row)]

    table = pd.DataFrame(index=frame.index)
    for name in COLUMNS:
        if name == "score":
            table[name] = _scores(frame[name], place)
        elif name == "seed":
            table[name] = _seeds(frame[name], place)
        elif name == "direction" and name in frame:
            table[name] = _directions(frame[name], place)
        else:
            table[name] = _names(frame[name]) if name in frame else ""
    _check_methods(table, place)
    check_once(table, frame, place, IDENTITY)
    return table


def _with_known_names(frame: pd.DataFrame, metric: str | None) -> pd.DataFrame:
    """The columns under the names that are known here, and that of the metric asked for as score.

    Names as they are known go before names in capitals, and these before others of one meaning.
    """
    named = {str(name): str(name) for name in frame.columns}
    for spelling in (str.lower, lambda name: ALSO_CALLED.get(name.lower(), "")):
        for name in named:
            known = spelling(name.strip())
            if known in COLUMNS and known not in named.values() and name not in COLUMNS:
                named[name] = known
    found = frame.set_axis([named[str(name)] for name in frame.columns], axis=1)
    if metric is None or "metric" in found or metric not in found or metric in COLUMNS:
        return found
    left = found.drop(columns="score", errors="ignore")
    return left.rename(columns={metric: "score"}).assign(metric=metric)


def _check_columns(held: list[str], given: pd.DataFrame, source: str) -> None:
    for name in COLUMNS:
        if held.count(name) > 1:
            raise ScoresError(f"{source}: column {name} occurs {held.count(name)} times")
    missing = [name for name in REQUIRED if name not in held]
    if not missing:
        return
    others = [name for name in held if name not in COLUMNS]
    if missing == ["score"]:
        numbers = [name for name in others if _is_numeric(given[name])]
        if numbers:
            likeliest = proposed(numbers, missing, lambda name: True).get("score", numbers[0])
            raise ScoresError(
                f"{source}: no column score; if one of {', '.join(numbers)} is the metric, say "
                f"which: --metric {shlex.quote(likeliest)}"
            )
    likely = proposed(held, missing, lambda name: _is_numeric(given[name]))
    way = (
        f"Likely: {asked(likely)}"
        if likely
        else f"Say what it is called: --columns {missing[0]}=COLUMN"
    )
    raise ScoresError(
        f"{source}: no column {' or '.join(missing)}; it has {', '.join(held) or 'none'}. {way}; "
        "where each seed, arm, task or metric has a column: --wide seed, method, task or metric"
    )


def _is_numeric(column: pd.Series[Any]) -> bool:
    import pandas as pd

    held = column[~column.map(_is_missing)]
    return len(held) > 0 and bool(pd.to_numeric(held, errors="coerce").notna().all())


def _scores(column: pd.Series[Any], place: PlaceOf) -> pd.Series[float]:
    import pandas as pd

    written = column.map(lambda each: str(each) if isinstance(each, bool) else each)
    if all(isinstance(each, str) for each in written):
        written = column.__class__(plain_numbers(written.tolist()), index=column.index)
    scores = pd.to_numeric(written, errors="coerce").astype("float64")
    for row in column.index[scores.isna()]:
        if not _is_missing(column[row]):
            text = str(column[row]).strip()
            raise ScoresError(
                f'{place(row)}, column score: "{text}" is not a number; {_instead(text)}'
            )
    infinite = column.index[np.abs(scores) >= LARGEST]
    if len(infinite):
        raise ScoresError(
            f"{place(infinite[0])}, column score: infinite; leave failed seeds empty and say why "
            "in the column status"
        )
    largest = scores.abs().max()
    if 0 < largest < SMALLEST:
        raise ScoresError(
            f"{place(scores.abs().idxmax())}, column score: no score is larger than {largest:g}, "
            "and squares of such numbers are lost; give the scores in a smaller unit"
        )
    return scores


def _instead(text: str) -> str:
    """What to do about a score that is no number."""
    if re.search(r"\d\s*(±|\+/?-|\$?\s*\\pm|\()\s*\d", text):
        return (
            "a mean with its spread is no score of one run: bench audit reads tables of them, and "
            "bench stats --against holds own runs against one"
        )
    return "leave failed seeds empty"


def _directions(column: pd.Series[Any], place: PlaceOf) -> pd.Series[Any]:
    """ "lower" or "higher" is better, "" where nothing is said."""
    given = _names(column).str.lower().str.replace("_", " ")
    unknown = column.index[~given.isin(list(DIRECTIONS))]
    if len(unknown):
        raise ScoresError(
            f'{place(unknown[0])}, column direction: "{column[unknown[0]]}" is neither lower nor '
            "higher"
        )
    return given.map(DIRECTIONS)


def _is_missing(value: Any) -> bool:
    return value is None or str(value).strip().lower() in NO_SCORE


def _seeds(column: pd.Series[Any], place: PlaceOf) -> pd.Series[Any]:
    """Whole numbers where all seeds are, else names."""
    missing = column.isna() | (_names(column) == "")
    if missing.any():
        raise ScoresError(f"{place(column.index[missing][0])}, column seed: empty")
    codes, distinct = column.factorize()
    seeds = alike(seed_of(each) for each in distinct)
    fits = all(isinstance(each, int) and -(2**63) <= each < 2**63 for each in seeds)
    kind = "int64" if fits else object
    return column.__class__(np.array(seeds, dtype=kind)[codes], index=column.index)


def _names(column: pd.Series[Any]) -> pd.Series[Any]:
    """Text without the blanks around it, "" where missing; one object for each distinct name."""
    codes, distinct = column.factorize()
    names = np.array([*(str(each).strip() for each in distinct), ""], dtype=object)
    return column.__class__(names[codes], index=column.index, dtype="str")


def _check_methods(table: pd.DataFrame, place: PlaceOf) -> None:
    nameless = table.index[table["method"] == ""]
    if len(nameless):
        raise ScoresError(f"{place(nameless[0])}, column method: empty")
