"""How comparisons with a baseline read, on each task or over several."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from stats.judging import Judging
from stats.many_tasks.pooled import Pooled
from stats.register import effect_size
from stats.report.layout import (
    ComparisonBlock,
    InteractionBlock,
    blocks,
    interaction_blocks,
    versus,
)
from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import wording
from stats.verdicts.analyse import Analysis
from stats.verdicts.compare import ComparisonResult


def analysis_sheet(analysis: Analysis) -> Sheet:
    """The sheet of comparisons on each task, and of their interactions."""
    changes = [_interactions(block, analysis.judging) for block in interaction_blocks(analysis)]
    return Sheet(
        kind="analysis",
        header=tuple(wording.header(analysis)),
        tables=(*_tables(analysis), *changes),
        records=tuple(
            {"study": analysis.study, **_measured(analysis), "tasks": "each"} | record(each)
            for each in analysis.comparisons
        ),
        whole=_declared(analysis)
        | {
            "comparisons": [record(each) for each in analysis.comparisons],
            "interactions": [record(each) for each in analysis.interactions],
            "warnings": analysis.warnings,
        },
        warnings=analysis.warnings,
    )


def pooled_sheet(pooled: Pooled) -> Sheet:
    """The sheet of comparisons over several tasks at once."""
    return Sheet(
        kind="pooled",
        header=tuple(wording.header(pooled)),
        tables=tuple(_tables(pooled)),
        records=tuple(
            {"study": pooled.study, **_measured(pooled), "tasks": pooled.tasks} | record(each)
            for each in pooled.comparisons
        ),
        whole=_declared(pooled)
        | {
            "tasks": pooled.tasks,
            "unit": pooled.unit,
            "comparisons": [record(each) for each in pooled.comparisons],
            "warnings": pooled.warnings,
        },
        warnings=pooled.warnings,
    )


def comparison_rows(result: Analysis | Pooled) -> TextTable:
    """One row for each comparison, to be sorted; what all of them share is the title."""
    short = any(each.seeds_needed for each in result.comparisons)
    task = "all tasks" if isinstance(result, Pooled) else None
    places = [(task or each.task, each.model, each.init) for each in result.comparisons]
    title, _ = wording.places(places)
    varying = [i for i in range(3) if len({place[i] for place in places}) > 1]
    rows = tuple(
        (versus(each), *(place[i] for i in varying), *_cells(each, short))
        for place, each in zip(places, result.comparisons, strict=True)
    )
    where = [Words(("task", "model", "init")[i]) for i in varying]
    return TextTable(title, (Words("comparison"), *where, *_columns(result.judging, short)), rows)


def record(each: Any) -> dict[str, Any]:
    """The fields of a result by name."""
    return {field.name: getattr(each, field.name) for field in fields(each)}


def _measured(result: Analysis | Pooled) -> dict[str, Any]:
    return {"metric": result.metric, "lower_is_better": result.judging.lower_is_better}


def _declared(result: Analysis | Pooled) -> dict[str, Any]:
    named = {"study": result.study, "metric": result.metric, "split": result.split}
    return named | record(result.judging)


def _tables(result: Analysis | Pooled) -> list[TextTable]:
    return [_table(block, result.judging) for block in blocks(result)]


def _table(block: ComparisonBlock, judging: Judging) -> TextTable:
    short = any(each and each.seeds_needed for _, cells in block.rows for each in cells)
    columns = _columns(judging, short)
    rows = tuple(
        (label, *(text for each in cells for text in _cells(each, short)))
        for label, cells in block.rows
    )
    over = tuple((init, len(columns)) for init in block.inits) if any(block.inits) else ()
    heading = (Words("comparison"), *columns * len(block.inits))
    return TextTable(block.title, heading, rows, over, compared=True)


def _columns(judging: Judging, short: bool) -> list[str]:
    effect = effect_size(judging.effect).words
    interval = f"difference [{wording.confidence(judging)} CI]"
    columns = ["n", "baseline mean", "candidate mean", interval, effect]
    columns += [wording.p_name(judging), Words("verdict")]
    return columns + (["n for 80 % power"] if short else [])


def _cells(each: ComparisonResult | None, short: bool) -> list[str]:
    if each is None:
        return ["0", *[wording.ABSENT] * 5, "not compared", *[""] * short]
    cells = [
        wording.sizes(each),
        *wording.means(each),
        wording.difference(each),
        wording.effect(each),
        wording.probability(each.p_adjusted),
        each.verdict,
    ]
    needed = "" if each.seeds_needed is None else f"{each.seeds_needed:,}"
    return [*cells, needed] if short else cells


def _interactions(block: InteractionBlock, judging: Judging) -> TextTable:
    rows = tuple(
        (
            label,
            wording.double_difference(each),
            wording.probability(each.p_adjusted),
            wording.interaction_sizes(each),
        )
        for label, each in block.rows
    )
    first, second = block.inits
    change = f"effect under {first} - effect under {second} [{wording.confidence(judging)} CI]"
    welch = "" if judging.paired else "Welch's "
    size = max(each.family_size for _, each in block.rows)
    heading = (Words("comparison"), change, f"{welch}{wording.p_name(judging, size)}", "n")
    return TextTable(block.title, heading, rows)
