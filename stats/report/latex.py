"""A LaTeX document whose tables can be copied into a paper."""

from __future__ import annotations

from collections.abc import Sequence

from stats.analyse import Analysis
from stats.compare import Comparison
from stats.report import wording
from stats.report.layout import Block, InteractionBlock, blocks, interaction_blocks

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

COLUMNS_EACH = 5


def to_latex(analysis: Analysis) -> str:
    """A complete document with one booktabs table for each model and task."""
    digits = wording.decimals(analysis)
    parts = [PREAMBLE, *(_remark(line) for line in wording.header(analysis))]
    parts += [_table(block, analysis, digits) for block in blocks(analysis)]
    parts += [_interactions(block, analysis, digits) for block in interaction_blocks(analysis)]
    parts += [_remark(f"Warning: {warning}") for warning in analysis.warnings]
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


def _table(block: Block, analysis: Analysis, digits: int) -> str:
    spans, rules = [], []
    for index, init in enumerate(block.inits):
        start = 2 + COLUMNS_EACH * index
        spans.append(rf"\multicolumn{{{COLUMNS_EACH}}}{{c}}{{{escape(init)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + COLUMNS_EACH - 1}}}")
    interval = f"difference [{wording.confidence(analysis)} CI]"
    symbol, _ = wording.EFFECT_NAMES[analysis.settings.effect]
    columns = ["n", interval, symbol, wording.p_name(analysis), "verdict"]
    heading = _row(["comparison", *columns * len(block.inits)])
    above = [" & ".join(["", *spans]) + r" \\", " ".join(rules)] if any(block.inits) else []
    rows = [
        _row([label, *(text for each in cells for text in _cells(each, digits))])
        for label, cells in block.rows
    ]
    title = wording.place(block.model, block.task) or "Comparisons"
    return _tabular("l" + "rrrrl" * len(block.inits), title, [*above, heading], rows)


def _cells(each: Comparison | None, digits: int) -> list[str]:
    if each is None:
        return ["0", *[wording.ABSENT] * 3, "not compared"]
    return [
        wording.sizes(each),
        wording.difference(each, digits),
        wording.effect(each),
        wording.probability(each.p_adjusted),
        each.verdict,
    ]


def _interactions(block: InteractionBlock, analysis: Analysis, digits: int) -> str:
    first, second = block.inits
    change = f"{first} - {second} [{wording.confidence(analysis)} CI]"
    heading = _row(["comparison", "n", change, wording.p_name(analysis)])
    rows = [
        _row(
            [
                label,
                str(each.n_pairs),
                wording.double_difference(each, digits),
                wording.probability(each.p_adjusted),
            ]
        )
        for label, each in block.rows
    ]
    title = f"Interaction, {wording.place(block.model, block.task)}".removesuffix(", ")
    return _tabular("lrrr", title, [heading], rows)


def _row(cells: Sequence[str]) -> str:
    return " & ".join(_number(cell) for cell in cells) + r" \\"


def _number(cell: str) -> str:
    """A cell of figures in mathematics, where a minus sign is one; any other cell escaped."""
    figures = set(cell) <= set("+-.,0123456789[]< ") and any(each.isdigit() for each in cell)
    return "$" + cell.replace(" ", r"\ ") + "$" if figures else escape(cell)


def _tabular(columns: str, title: str, heading: Sequence[str], rows: Sequence[str]) -> str:
    lines = [
        r"\begin{table}[h]",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{escape(title)}}}",
        rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        *heading,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)
