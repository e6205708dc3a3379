"""What goes where: one table for each model and task, its inits side by side."""

from __future__ import annotations

from dataclasses import dataclass

from stats.changes.interaction import Interaction
from stats.many_tasks.pooled import Pooled
from stats.report.words.wording import table_title
from stats.verdicts.analyse import Analysis
from stats.verdicts.compare import ComparisonResult


@dataclass(frozen=True)
class ComparisonBlock:
    """The comparisons of one model and task.

    Attributes:
        title: where this is, "" where nothing has a name.
        rows: for each candidate one entry an init, None where it was not compared.
    """

    title: str
    inits: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ComparisonResult | None, ...]], ...]


@dataclass(frozen=True)
class InteractionBlock:
    """The interactions of one model, task and pair of inits."""

    title: str
    inits: tuple[str, str]
    rows: tuple[tuple[str, Interaction], ...]


def blocks(result: Analysis | Pooled) -> list[ComparisonBlock]:
    """The comparisons of a result, in the order in which they were made."""
    grouped: dict[tuple[str, str], list[ComparisonResult]] = {}
    for each in result.comparisons:
        task = "all tasks" if isinstance(result, Pooled) else each.task
        grouped.setdefault((task, each.model), []).append(each)
    return [_block(table_title(*place), members) for place, members in grouped.items()]


def _block(title: str, members: list[ComparisonResult]) -> ComparisonBlock:
    inits = tuple(dict.fromkeys(each.init for each in members))
    candidates: dict[tuple[str, str], dict[str, ComparisonResult]] = {}
    for each in members:
        candidates.setdefault((each.baseline, each.candidate), {})[each.init] = each
    rows = tuple(
        (versus(next(iter(by_init.values()))), tuple(by_init.get(init) for init in inits))
        for by_init in candidates.values()
    )
    return ComparisonBlock(title, inits, rows)


def interaction_blocks(analysis: Analysis) -> list[InteractionBlock]:
    """The interactions of an analysis, in the order in which they were tested."""
    grouped: dict[tuple[str, str, tuple[str, str]], list[tuple[str, Interaction]]] = {}
    for each in analysis.interactions:
        place = (each.task, each.model, each.inits)
        grouped.setdefault(place, []).append((versus(each), each))
    return [
        InteractionBlock(
            ", ".join(filter(None, ("interaction", table_title(task, model)))), inits, tuple(rows)
        )
        for (task, model, inits), rows in grouped.items()
    ]


def versus(each: ComparisonResult | Interaction) -> str:
    """How a comparison is called in a row."""
    return f"{each.baseline} vs {each.candidate}"
