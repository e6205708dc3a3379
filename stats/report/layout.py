"""What goes where: one table for each model and task, its inits side by side."""

from __future__ import annotations

from dataclasses import dataclass

from stats.analyse import Analysis
from stats.compare import Comparison
from stats.interaction import Interaction


@dataclass(frozen=True, slots=True)
class Block:
    """The comparisons of one model and task.

    Attributes:
        rows: for each candidate one entry an init, None where it was not compared.
    """

    model: str
    task: str
    inits: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Comparison | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class InteractionBlock:
    """The interactions of one model, task and pair of inits."""

    model: str
    task: str
    inits: tuple[str, str]
    rows: tuple[tuple[str, Interaction], ...]


def blocks(analysis: Analysis) -> list[Block]:
    """The comparisons of an analysis, in the order in which they were made."""
    grouped: dict[tuple[str, str], list[Comparison]] = {}
    for each in analysis.comparisons:
        grouped.setdefault((each.model, each.task), []).append(each)
    return [_block(*place, members) for place, members in grouped.items()]


def _block(model: str, task: str, members: list[Comparison]) -> Block:
    inits = tuple(dict.fromkeys(each.init for each in members))
    candidates: dict[str, dict[str, Comparison]] = {}
    for each in members:
        candidates.setdefault(_label(each), {})[each.init] = each
    rows = tuple(
        (label, tuple(by_init.get(init) for init in inits)) for label, by_init in candidates.items()
    )
    return Block(model, task, inits, rows)


def interaction_blocks(analysis: Analysis) -> list[InteractionBlock]:
    """The interactions of an analysis, in the order in which they were tested."""
    grouped: dict[tuple[str, str, tuple[str, str]], list[tuple[str, Interaction]]] = {}
    for each in analysis.interactions:
        place = (each.model, each.task, each.inits)
        grouped.setdefault(place, []).append((_label(each), each))
    return [InteractionBlock(*place, tuple(rows)) for place, rows in grouped.items()]


def _label(each: Comparison | Interaction) -> str:
    return f"{each.baseline} vs {each.candidate}"
