"""How results look: in a terminal, in Markdown, in LaTeX, and for other programs."""

from __future__ import annotations

from stats.analyse import Analysis
from stats.inputs import check_choice

FORMATS = ("table", "markdown", "latex", "csv", "json")


def render(
    analysis: Analysis, format: str = "table", *, width: int = 100, colour: bool = False
) -> str:
    """The analysis as text.

    Args:
        analysis: what `stats.analyse` returns.
        format: one of `FORMATS`. "latex" is a complete document; "csv" has one row for each
            comparison, and "json" is one object, both with numbers at full precision.
        width: columns of the terminal, for "table".
        colour: whether "table" may use ANSI colours.

    Raises:
        InvalidSetting: an unknown format.
    """
    check_choice("format", format, FORMATS)
    if format == "table":
        from stats.report.terminal import to_table

        return to_table(analysis, width, colour)
    from stats.report import latex, markdown, records

    write = {
        "markdown": markdown.to_markdown,
        "latex": latex.to_latex,
        "csv": records.to_csv,
        "json": records.to_json,
    }[format]
    return write(analysis)
