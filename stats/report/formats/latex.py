"""A LaTeX document whose tables can be copied into a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import wording

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
    "*": r"{*}",
    "±": r"\textpm{}",
    "×": r"\texttimes{}",
    "−": r"\textminus{}",
    "√": r"\textsurd{}",
    "…": r"\textellipsis{}",
    "—": r"\textemdash{}",
    "’": r"\textquoteright{}",
    "²": r"\texttwosuperior{}",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    **{each: f"\\{each}" for each in "&%$#_{}"},
}

_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Delta Sigma"
)
#: Letters that hyper-parameters are called by.
GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψωΔΣ", _GREEK_NAMES.split(), strict=True))

PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage{longtable}
\usepackage[margin=1.5cm,landscape]{geometry}
\begin{document}
% The tables below can be copied into a paper that loads booktabs and graphicx, and longtable for
% the long ones."""

#: Of a table that keeps to one page; longer ones go on over the next pages.
MOST_ROWS = 30

#: Tables that may wait for a page with room; LaTeX gives up at a few dozen.
MOST_WAITING = 10

#: Letters of a cell that is not broken into lines.
LONGEST = 48

#: Centimetres that columns of broken lines share: beside no others, and beside many.
ROOM, SMALLEST = 16, 5

#: The exponent of a number such as 1.5e-09.
POWER = re.compile(r"(?<=\d)e([+-]\d+)")

#: Begins what is made smaller where it is wider than the page.
NO_WIDER = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def to_latex(sheets: Sequence[Sheet]) -> str:
    """A complete document with one booktabs table for each table."""
    parts = [PREAMBLE]
    for before, sheet in zip([None, *sheets], sheets, strict=False):
        parts += [r"\clearpage"] if before and before.tables and sheet.title else []
        parts += [rf"\section*{{{escape(sheet.title)}}}"] if sheet.title else []
        parts += [_remark(line) for line in sheet.header]
        parts += [_remark(line) for line in sheet.sentences]
        parts += [
            f"\\clearpage\n{_table(table)}" if i and i % MOST_WAITING == 0 else _table(table)
            for i, table in enumerate(sheet.tables)
        ]
        parts += [_remark(f"Warning: {warning}") for warning in sheet.warnings]
        parts += [_remark(f"Note: {note}") for note in sheet.notes]
    return "\n".join([*parts, r"\end{document}"]) + "\n"


def escape(text: str) -> str:
    r"""Text that LaTeX prints as it is; what its fonts lack becomes a code point.

    >>> escape("a&b_c"), escape("α ± 1"), escape("蒸")
    ('a\\&b\\_c', '$\\alpha$ \\textpm{} 1', '\\texttt{U+84B8}')
    """
    escaped = "".join(SPECIAL.get(each) or _letter(each) for each in wording.printable(text))
    return escaped.replace(",,", ",{},")  # two commas are a low quotation mark to T1 fonts


def _letter(each: str) -> str:
    if each.isascii() or (each <= "ÿ" and each.isalpha()):
        return each
    if each in GREEK:
        return rf"$\{GREEK[each]}$"
    return rf"\texttt{{U+{ord(each):04X}}}"


def _remark(line: str) -> str:
    return rf"\noindent {escape(line)}\par"


def _table(table: TextTable) -> str:
    columns = rf"{{@{{}}{''.join(_columns(table))}@{{}}}}"
    caption = [rf"\caption{{{escape(table.title)}}}"] if table.title else []
    heading = [r"\toprule", *_above(table), _row(table.heading), r"\midrule"]
    rows = [_row(row) for row in table.rows]
    size = r"\footnotesize\setlength{\tabcolsep}{3pt}"
    if len(rows) > MOST_ROWS:
        long = [*(rf"{each}\\" for each in caption), *heading, r"\endhead"]
        long += [r"\bottomrule", r"\endfoot", *rows]
        return "\n".join(
            [rf"{{{size}", rf"\begin{{longtable}}{columns}", *long, r"\end{longtable}}"]
        )
    lines = [r"\begin{table}[h]", rf"\centering{size}", *caption, NO_WIDER]
    lines += [rf"\begin{{tabular}}{columns}", *heading, *rows, r"\bottomrule"]
    lines += [r"\end{tabular}}", r"\end{table}"]
    return "\n".join(lines)


def _above(table: TextTable) -> list[str]:
    """What stands over several columns, and the rules below it."""
    above, rules, start = [], [], 2
    for name, columns in table.over:
        above.append(rf"\multicolumn{{{columns}}}{{c}}{{{escape(name)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + columns - 1}}}")
        start += columns
    return [" & ".join(["", *above]) + r" \\", " ".join(rules)] if above else []


def _columns(table: TextTable) -> list[str]:
    """At which side each column stands; lines of long cells are broken."""
    cells = list(zip(table.heading, *table.rows, strict=True))
    long = [any(len(each) > LONGEST for each in column) for column in cells]
    width = max(SMALLEST, ROOM - len(long)) / max(1, sum(long))
    return [
        rf"p{{{width:.1f}cm}}" if broken else "l" if isinstance(heading, Words) else "r"
        for heading, broken in zip(table.heading, long, strict=True)
    ]


def _row(cells: Sequence[str]) -> str:
    return " & ".join(_number(cell) for cell in cells) + r" \\"


def _number(cell: str) -> str:
    """A cell of figures in mathematics, where a minus sign is one; any other cell escaped."""
    plain = POWER.sub("", cell)
    figures = set(plain) <= set("+-.,0123456789[]< ") and any(each.isdigit() for each in plain)
    figures = figures and len(cell) <= LONGEST  # lines are not broken in mathematics
    if not figures:
        return escape(cell)
    powers = POWER.sub(lambda found: rf"\cdot10^{{{int(found[1])}}}", cell)
    return "$" + powers.replace(" ", r"\ ") + "$"
