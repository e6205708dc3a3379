"""Tables for a terminal."""

from __future__ import annotations

from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stats.analyse import Analysis
from stats.compare import Comparison
from stats.report import wording
from stats.report.layout import Block, InteractionBlock, blocks, interaction_blocks

COLOURS = {"better": "green", "worse": "red", "negligible": "cyan", "equivalent": "cyan"}

LABEL_WIDTH, CELL_WIDTH = 24, 36
"""Columns that a label and the comparison beside it need at most, for ordinary names."""


def to_table(analysis: Analysis, width: int = 100, colour: bool = False) -> str:
    """The analysis as text of at most `width` columns, with ANSI colours only if asked."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
    )
    digits = wording.decimals(analysis)
    for line in wording.header(analysis):
        console.print(Text(line))
    console.print(Text(_legend(analysis), style="dim"))
    for block in blocks(analysis):
        for table in _tables(block, digits, width):
            console.print("", table)
    for interactions in interaction_blocks(analysis):
        console.print(_interaction_table(interactions, analysis, digits))
    for warning in analysis.warnings:
        console.print(Text(f"warning: {wording.printable(warning)}", style="yellow"))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _legend(analysis: Analysis) -> str:
    _, effect = wording.EFFECT_NAMES[analysis.settings.effect]
    return (
        f"each cell: candidate - baseline [{wording.confidence(analysis)} t interval]; "
        f"{effect}, corrected p, verdict"
    )


def _tables(block: Block, digits: int, width: int) -> list[Table]:
    """As many inits side by side as the width allows."""
    at_once = max(1, (width - LABEL_WIDTH) // CELL_WIDTH)
    tables = []
    for first in range(0, len(block.inits), at_once):
        shown = slice(first, first + at_once)
        table = _empty_table(wording.place(block.model, block.task))
        for init in block.inits[shown]:
            table.add_column(Text(wording.printable(init) or "difference"))
        for label, cells in block.rows:
            row = [_cell(each, digits) for each in cells[shown]]
            table.add_row(Text(wording.printable(label)), *row)
        tables.append(table)
    return tables


def _cell(each: Comparison | None, digits: int) -> Text:
    if each is None:
        return Text("not compared")
    p = wording.probability(each.p_adjusted)
    text = Text(f"{wording.difference(each, digits)}\n")
    symbol, _ = wording.EFFECT_NAMES[each.effect]
    text.append(f"{symbol} {wording.effect(each)}  p {p}  ")
    text.append(each.verdict, style=f"bold {COLOURS.get(each.verdict, 'yellow')}")
    notes = [_dropped(each), wording.needed(each)]
    for note in filter(None, notes):
        text.append(f"\n{note}", style="dim")
    return text


def _dropped(each: Comparison) -> str:
    if not each.dropped_seeds:
        return ""
    if len(each.dropped_seeds) > 3:
        return f"n = {wording.sizes(each)}, {len(each.dropped_seeds)} seeds dropped"
    named = ", ".join(wording.printable(str(seed)) for seed in each.dropped_seeds)
    return f"n = {wording.sizes(each)}, without seed {named}"


def _interaction_table(block: InteractionBlock, analysis: Analysis, digits: int) -> Table:
    first, second = (wording.printable(init) for init in block.inits)
    where = wording.place(block.model, block.task)
    table = _empty_table(f"interaction, {where}" if where else "interaction")
    table.add_column(Text(f"effect under {first} - effect under {second}"))
    table.add_column(Text(wording.p_name(analysis)))
    table.add_column("n")
    for label, each in block.rows:
        table.add_row(
            Text(wording.printable(label)),
            wording.double_difference(each, digits),
            wording.probability(each.p_adjusted),
            str(each.n_pairs),
        )
    return table


def _empty_table(title: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=Text(title) if title else None, title_justify="left")
    table.add_column("comparison", overflow="fold")
    return table
