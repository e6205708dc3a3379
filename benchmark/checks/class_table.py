"""The classes of a study's tasks with their counts by split, as `bench plan` shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from rich.table import Table
from rich.text import Text

from trainers.tasks import Split, Task

#: Classes that are shown one by one, of a task.
_SHOWN = 12
_SPLITS: Sequence[Split] = get_args(Split)


def class_table(tasks: Sequence[Task]) -> Table | None:
    """A row for each class of each task; None where no task counts them.

    Classes of the same counts throughout take one row, and beyond a dozen the others do.
    """
    table = Table("task", "class", *_SPLITS, box=None, header_style="bold")
    for task in tasks:
        counts = task.class_counts()
        for name, numbers in _rows(task.classes, counts) if counts else ():
            table.add_row(*map(Text, (task.name, name, *numbers)))
    return table if table.row_count else None


def _rows(
    classes: Sequence[str], counts: Mapping[Split, Sequence[int]]
) -> list[tuple[str, Sequence[str]]]:
    by_split = [counts[split] for split in _SPLITS]
    if len(classes) > 2 and all(len(set(numbers)) == 1 for numbers in by_split):
        return [(f"each of {len(classes)}", [f"{numbers[0]:,}" for numbers in by_split])]
    shown = len(classes) if len(classes) <= _SHOWN else _SHOWN - 1
    rows: list[tuple[str, Sequence[str]]] = [
        (name, [f"{numbers[k]:,}" for numbers in by_split])
        for k, name in enumerate(classes[:shown])
    ]
    if shown < len(classes):
        others = (numbers[shown:] for numbers in by_split)
        spread = [f"{min(numbers):,} to {max(numbers):,}" for numbers in others]
        rows.append((f"{len(classes) - shown} others, each", spread))
    return rows
