"""Tables of text, laid out once and written in every format."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stats.report import latex, markdown
from stats.report.wording import printable


@dataclass(frozen=True, slots=True)
class TextTable:
    """A heading and rows of cells that are ready to be read."""

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One result on paper.

    Attributes:
        header: lines that say what was done.
        tables: for people.
        records: one for each row of a CSV file, at full precision.
        whole: everything, for JSON.
    """

    header: tuple[str, ...]
    tables: tuple[TextTable, ...]
    records: tuple[Mapping[str, Any], ...]
    whole: Mapping[str, Any]
    warnings: tuple[str, ...]


def to_terminal(sheet: Sheet, width: int, colour: bool) -> str:
    """Text of at most `width` columns."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
    )
    for line in sheet.header:
        console.print(Text(line))
    for each in sheet.tables:
        title = Text(printable(each.title)) if each.title else None
        table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
        for name in each.heading:
            table.add_column(Text(printable(name)), overflow="fold")
        for row in each.rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        console.print("", table)
    for warning in sheet.warnings:
        console.print(Text(f"warning: {printable(warning)}", style="yellow"))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def to_markdown(sheet: Sheet) -> str:
    """Paragraphs and pipe tables; names are escaped."""
    parts = ["  \n".join(markdown.escape(line) for line in sheet.header)]
    for table in sheet.tables:
        parts += [f"### {markdown.escape(table.title)}"] if table.title else []
        lines = [table.heading, ("---",) * len(table.heading), *table.rows]
        parts.append("\n".join(_pipe(line, escaped=line is lines[1]) for line in lines))
    if sheet.warnings:
        listed = (f"- {markdown.escape(warning)}" for warning in sheet.warnings)
        parts += ["### Warnings", "\n".join(listed)]
    return "\n\n".join(parts) + "\n"


def to_latex(sheet: Sheet) -> str:
    """A complete document with one booktabs table for each table."""
    lines = [latex.PREAMBLE]
    lines += [rf"\noindent {latex.escape(line)}\par" for line in sheet.header]
    for table in sheet.tables:
        lines += [
            r"\begin{table}[h]",
            r"\centering\footnotesize",
            *([rf"\caption{{{latex.escape(table.title)}}}"] if table.title else []),
            rf"\begin{{tabular}}{{@{{}}l{'r' * (len(table.heading) - 1)}@{{}}}}",
            r"\toprule",
            _latex_row(table.heading),
            r"\midrule",
            *(_latex_row(row) for row in table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    lines += [rf"\noindent {latex.escape(f'Warning: {each}')}\par" for each in sheet.warnings]
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def to_csv(sheet: Sheet) -> str:
    """One row for each record; what cannot be computed is empty."""
    out = StringIO()
    writer = csv.DictWriter(out, list(sheet.records[0]), lineterminator="\n")
    writer.writeheader()
    for record in sheet.records:
        plain = _plain(record)
        writer.writerow(
            {
                name: " ".join(map(str, value)) if isinstance(value, list) else value
                for name, value in plain.items()
            }
        )
    return out.getvalue()


def to_json(sheet: Sheet) -> str:
    """One object; what cannot be computed is null."""
    return json.dumps(_plain(sheet.whole), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """The value with None for what is not finite, and lists for tuples."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _pipe(cells: Sequence[str], escaped: bool) -> str:
    texts: Iterable[str] = cells if escaped else map(markdown.escape, cells)
    return f"| {' | '.join(texts)} |"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(latex.escape(cell) for cell in cells) + r" \\"
