"""Results as a part of a page, as notebooks show it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import chain

from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import wording


def to_html(sheets: Sequence[Sheet]) -> str:
    """Paragraphs, tables and lists, without a style of their own; every name is escaped."""
    return "\n".join(chain.from_iterable(map(_parts, sheets))) + "\n"


def _parts(sheet: Sheet) -> list[str]:
    parts = [f"<h3>{_shown(sheet.title)}</h3>"] if sheet.title else []
    parts += [f"<p>{'<br>'.join(map(_shown, sheet.header))}</p>"] if sheet.header else []
    parts += _list("", sheet.sentences)
    parts += map(_table, sheet.tables)
    return [*parts, *_list("Warnings", sheet.warnings), *_list("Notes", sheet.notes)]


def _shown(text: str) -> str:
    return escape(wording.printable(text))


def _list(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    points = "".join(f"<li>{_shown(line)}</li>" for line in lines)
    return [*([f"<p>{title}</p>"] if title else []), f"<ul>{points}</ul>"]


def _table(table: TextTable) -> str:
    title = f"<caption>{_shown(table.title)}</caption>" if table.title else ""
    over = "".join(f'<th colspan="{n}">{_shown(name)}</th>' for name, n in table.over)
    above = f"<tr><th></th>{over}</tr>" if over else ""
    heading = _row("th", table.heading, table.heading)
    rows = "\n".join(_row("td", row, table.heading) for row in table.rows)
    return f"<table>{title}\n<thead>{above}{heading}</thead>\n<tbody>\n{rows}\n</tbody></table>"


def _row(kind: str, cells: Sequence[str], heading: Sequence[str]) -> str:
    """Words at the left, figures at the right."""
    shown = (
        f'<{kind} style="text-align: {"left" if isinstance(name, Words) else "right"}">'
        f"{_shown(cell)}</{kind}>"
        for cell, name in zip(cells, heading, strict=True)
    )
    return f"<tr>{''.join(shown)}</tr>"
