"""Tables in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stats.analyse import Analysis
from stats.compare import Comparison
from stats.report import wording
from stats.report.layout import Block, InteractionBlock, blocks, interaction_blocks


def to_markdown(analysis: Analysis) -> str:
    """The analysis as paragraphs and pipe tables; names are escaped."""
    digits = wording.decimals(analysis)
    parts = ["  \n".join(escape(line) for line in wording.header(analysis))]
    for block in blocks(analysis):
        parts += _titled(wording.place(block.model, block.task), _table(block, analysis, digits))
    for interactions in interaction_blocks(analysis):
        title = f"Interaction, {wording.place(interactions.model, interactions.task)}"
        parts += _titled(title.removesuffix(", "), _interactions(interactions, analysis, digits))
    if analysis.warnings:
        parts += _titled("Warnings", "\n".join(f"- {escape(each)}" for each in analysis.warnings))
    return "\n\n".join(parts) + "\n"


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


def _titled(title: str, body: str) -> list[str]:
    return [f"### {escape(title)}", body] if title else [body]


def _table(block: Block, analysis: Analysis, digits: int) -> str:
    interval = f"difference [{wording.confidence(analysis)} CI]"
    _, effect = wording.EFFECT_NAMES[analysis.settings.effect]
    columns = ["n", interval, effect, wording.p_name(analysis), "verdict"]
    heading = ["comparison"]
    for init in block.inits:
        heading += [f"{init}: {column}" if init else column for column in columns]
    rows = [
        [label, *(text for each in cells for text in _cells(each, digits))]
        for label, cells in block.rows
    ]
    return _pipes(heading, rows)


def _cells(each: Comparison | None, digits: int) -> list[str]:
    if each is None:
        return ["0", *[wording.ABSENT] * 3, "not compared"]
    needed = wording.needed(each)
    return [
        wording.sizes(each),
        wording.difference(each, digits),
        wording.effect(each),
        wording.probability(each.p_adjusted),
        f"{each.verdict} ({needed})" if needed else each.verdict,
    ]


def _interactions(block: InteractionBlock, analysis: Analysis, digits: int) -> str:
    first, second = block.inits
    change = f"effect under {first} - effect under {second} [{wording.confidence(analysis)} CI]"
    rows = [
        [
            label,
            str(each.n_pairs),
            wording.double_difference(each, digits),
            wording.probability(each.p_adjusted),
        ]
        for label, each in block.rows
    ]
    return _pipes(["comparison", "n", change, wording.p_name(analysis)], rows)


def _pipes(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [[escape(cell) for cell in heading], ["---"] * len(heading)]
    lines += [[escape(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
