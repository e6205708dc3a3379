"""A LaTeX document whose tables can be copied into a paper."""

from __future__ import annotations

from collections.abc import Sequence

from stats.report import wording
from stats.report.sheet import Sheet, TextTable

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": r"{-}",
    "·": r"\textperiodcentered{}",
    "–": r"\textendash{}",
    "[": r"{[}",
    "]": r"{]}",
    **{each: f"\\{each}" for each in "&%$#_{}"},
}

PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage[margin=1.5cm,landscape]{geometry}
\begin{document}
% The tables below can be copied into a paper that loads booktabs."""

WORDS = frozenset({"comparison", "verdict", "method", "candidate", "pair", "model, init"})
"""Columns of words, which stand at the left; figures stand at the right."""


def to_latex(sheets: Sequence[Sheet]) -> str:
    """A complete document with one booktabs table for each table."""
    parts = [PREAMBLE]
    for sheet in sheets:
        parts += [rf"\section*{{{escape(sheet.title)}}}"] if sheet.title else []
        parts += [_remark(line) for line in sheet.header]
        parts += [_remark(line) for line in sheet.sentences]
        parts += [_table(table) for table in sheet.tables]
        parts += [_remark(f"Warning: {warning}") for warning in sheet.warnings]
        parts += [_remark(f"Note: {note}") for note in sheet.notes]
    return "\n".join([*parts, r"\end{document}"]) + "\n"


def escape(text: str) -> str:
    r"""Text that LaTeX prints as it is; what its fonts lack becomes a code point.

    >>> escape("a&b_c"), escape("α")
    ('a\\&b\\_c', '\\texttt{U+03B1}')
    """
    escaped = "".join(SPECIAL.get(each) or _letter(each) for each in wording.printable(text))
    return escaped.replace(",,", ",{},")  # two commas are a low quotation mark to T1 fonts


def _letter(each: str) -> str:
    if each.isascii() or (each <= "ÿ" and each.isalpha()):
        return each
    return rf"\texttt{{U+{ord(each):04X}}}"


def _remark(line: str) -> str:
    return rf"\noindent {escape(line)}\par"


def _table(table: TextTable) -> str:
    above, rules, start = [], [], 2
    for name, columns in table.over:
        above.append(rf"\multicolumn{{{columns}}}{{c}}{{{escape(name)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + columns - 1}}}")
        start += columns
    lines = [
        r"\begin{table}[h]",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        *([rf"\caption{{{escape(table.title)}}}"] if table.title else []),
        rf"\begin{{tabular}}{{@{{}}{''.join(map(_column, table.heading))}@{{}}}}",
        r"\toprule",
        *([" & ".join(["", *above]) + r" \\", " ".join(rules)] if above else []),
        _row(table.heading),
        r"\midrule",
        *(_row(row) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _column(heading: str) -> str:
    return "l" if heading in WORDS else "r"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(_number(cell) for cell in cells) + r" \\"


def _number(cell: str) -> str:
    """A cell of figures in mathematics, where a minus sign is one; any other cell escaped."""
    figures = set(cell) <= set("+-.,0123456789[]< ") and any(each.isdigit() for each in cell)
    return "$" + cell.replace(" ", r"\ ") + "$" if figures else escape(cell)
