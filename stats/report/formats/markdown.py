"""Tables in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stats.report.sheet import Sheet, TextTable
from stats.report.words import wording


def to_markdown(sheets: Sequence[Sheet]) -> str:
    """Results as paragraphs and pipe tables; names are escaped."""
    return "\n".join("\n\n".join(_parts(sheet)) + "\n" for sheet in sheets)


def escape(text: str) -> str:
    r"""Text that Markdown and HTML show as it is.

    >>> escape("<b>a|b*</b>"), escape("self_kd")
    ('&lt;b&gt;a\\|b\\*&lt;/b&gt;', 'self_kd')
    """
    text = wording.printable(text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*|~#$])", r"\\\1", text)
    text = re.sub(r"\](?=[(\[:])", r"\\]", text)  # brackets alone are not a link
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)


def _parts(sheet: Sheet) -> list[str]:
    parts = [f"## {escape(sheet.title)}"] if sheet.title else []
    parts += ["  \n".join(escape(line) for line in sheet.header)] if sheet.header else []
    if sheet.sentences:
        parts.append("\n".join(f"- {escape(each)}" for each in sheet.sentences))
    for table in sheet.tables:
        parts += _titled(table.title, _pipes(table))
    if sheet.warnings:
        parts += _titled("Warnings", "\n".join(f"- {escape(each)}" for each in sheet.warnings))
    if sheet.notes:
        parts += _titled("Notes", "\n".join(f"- {escape(each)}" for each in sheet.notes))
    return parts


def _titled(title: str, body: str) -> list[str]:
    return [f"### {escape(title)}", body] if title else [body]


def _pipes(table: TextTable) -> str:
    first, *others = table.heading
    above = [name for name, columns in table.over for _ in range(columns)] or [""] * len(others)
    named = [f"{name}: {each}" if name else each for name, each in zip(above, others, strict=True)]
    lines = [[escape(cell) for cell in row] for row in ([first, *named], *table.rows)]
    lines.insert(1, ["---"] * len(table.heading))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
