"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stats.judging import Judging
from stats.many_tasks.pooled import Pooled
from stats.register import effect_size
from stats.report.layout import ComparisonBlock, blocks
from stats.report.sheet import Sheet, TextTable
from stats.report.words import wording
from stats.verdicts.analyse import Analysis
from stats.verdicts.compare import ComparisonResult

COLOURS = {"better": "green", "worse": "red", "negligible": "cyan", "equivalent": "cyan"}

#: Columns that a label and the comparison beside it need at most, for ordinary names.
LABEL_WIDTH, CELL_WIDTH = 24, 36


def to_table(
    results: Iterable[object], sheets: Sequence[Sheet], width: int, colour: bool = False
) -> str:
    """Results as text of at most `width` columns, with ANSI colours only if asked."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        force_jupyter=False,  # which would show each line in the notebook, and return none
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
    )
    for number, (result, sheet) in enumerate(zip(results, sheets, strict=True)):
        if number:
            console.print()
        for line in sheet.header:
            console.print(Text(line))
        for line in sheet.sentences:
            console.print(Text(wording.printable(line), style="bold"))
        tables = sheet.tables
        if isinstance(result, Analysis | Pooled):
            console.print(Text(_legend(result.judging), style="dim"))
            tables = tuple(each for each in tables if not each.compared)
            for compact in _compact(result, width):
                console.print(*[""] * bool(compact.title), compact)
        for each in tables:
            console.print(*[""] * bool(each.title), _plain(each))
        for warning in sheet.warnings:
            console.print(Text(f"warning: {wording.printable(warning)}", style="yellow"))
        for note in sheet.notes:
            console.print(Text(f"note: {wording.printable(note)}"))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _plain(table: TextTable) -> Table:
    shown = _empty(table.title)
    for name in table.heading:
        shown.add_column(Text(wording.printable(name)), overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text(wording.printable(cell)) for cell in row))
    return shown


def _legend(judging: Judging) -> str:
    effect = effect_size(judging.effect).words
    p = "uncorrected p" if judging.correction == "none" else "corrected p"
    return (
        "each cell: mean of baseline -> mean of candidate\n"
        f"           candidate - baseline [{wording.confidence(judging)} t interval]\n"
        f"           {effect}, {p}, verdict"
    )


def _compact(result: Analysis | Pooled, width: int) -> list[Table]:
    """A comparison in one cell, and as many inits side by side as the width allows."""
    at_once = max(1, (width - LABEL_WIDTH) // CELL_WIDTH)
    return [
        _inits(block, slice(first, first + at_once))
        for block in blocks(result)
        for first in range(0, len(block.inits), at_once)
    ]


def _inits(block: ComparisonBlock, shown: slice) -> Table:
    table = _empty(block.title)
    table.add_column("comparison", overflow="fold")
    for init in block.inits[shown]:
        table.add_column(Text(wording.printable(init) or "difference"))
    for label, cells in block.rows:
        row = [_cell(each) for each in cells[shown]]
        table.add_row(Text(wording.printable(label)), *row)
    return table


def _cell(each: ComparisonResult | None) -> Text:
    if each is None:
        return Text("not compared")
    p = wording.probability(each.p_adjusted)
    text = Text(" -> ".join(wording.means(each)) + "\n", style="")
    text.append(f"{wording.difference(each)}\n")
    symbol = effect_size(each.effect).symbol
    text.append(f"{symbol} {wording.effect(each)}  p {p}  ")
    text.append(each.verdict, style=f"bold {COLOURS.get(each.verdict, 'yellow')}")
    notes = [_dropped(each), _collapsed(each), wording.needed(each)]
    for note in filter(None, notes):
        text.append(f"\n{note}", style="dim")
    return text


def _collapsed(each: ComparisonResult) -> str:
    if not each.collapsed_seeds:
        return ""
    seeds = each.collapsed_seeds
    if len(seeds) > 3:
        return f"{len(seeds)} seeds look collapsed"
    named = ", ".join(wording.printable(str(seed)) for seed in seeds)
    return f"seed {named} looks collapsed" if len(seeds) == 1 else f"seeds {named} look collapsed"


def _dropped(each: ComparisonResult) -> str:
    if not each.dropped_seeds:
        return ""
    if len(each.dropped_seeds) > 3:
        return f"n = {wording.sizes(each)}, {len(each.dropped_seeds)} seeds dropped"
    named = ", ".join(wording.printable(str(seed)) for seed in each.dropped_seeds)
    return f"n = {wording.sizes(each)}, without seed {named}"


def _empty(title: str) -> Table:
    shown = Text(wording.printable(title)) if title else None
    return Table(box=box.SIMPLE_HEAD, title=shown, title_justify="left")
