"""Made-up data of the columns that a task reads, for a rehearsal where the real ones are not."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

from trainers.tasks.elsewhere.corpus import Texts
from trainers.tasks.elsewhere.image import ImageTask
from trainers.tasks.elsewhere.source import SourceTask
from trainers.tasks.elsewhere.text import TextTask
from trainers.tasks.paper.few_rel import FewRel
from trainers.tasks.parts import Part
from trainers.tasks.task import Split

#: Examples of each split.
SIZES: dict[Split, int] = {"train": 64, "dev": 32, "test": 32}
#: Texts without labels, where a task has any.
FURTHER = 200
#: Classes at most: each needs some examples of so few.
CLASSES = 8
WORDS = (
    *("old", "new", "small", "many", "near", "under", "with", "some", "of", "the", "a", "and"),
    *("house", "river", "letter", "garden", "stone", "window", "winter", "street", "bread"),
)


def made_up(task: SourceTask, folder: Path) -> SourceTask:
    """The same task on examples of noise, which are written into an empty folder.

    Columns, configuration, parts and metric stay; of the classes the first eight do.
    """
    names = task.class_names[:CLASSES] or tuple(f"class {k}" for k in range(4))
    classified = task.writes == "classes"
    named: dict[str, Any] = {"class_names": names} if classified else {}
    parts = {split: _shrunk(split, part, len(names)) for split, part in task.parts.items()}
    where = folder / task.config if task.config else folder
    where.mkdir(parents=True, exist_ok=True)
    for source in dict.fromkeys(part.split for part in parts.values()):
        rows = sum(SIZES[split] for split, part in parts.items() if part.split == source)
        labels = np.arange(rows) % len(names)
        columns = _columns(task, labels, np.random.default_rng(rows))
        table = pa.table({**columns, **({task.label: labels} if classified else {})})
        parquet.write_table(table, where / f"{source}.parquet")
    if isinstance(task, TextTask) and task.further:
        draws = np.random.default_rng(0)
        texts = pa.table({"text": [_sentence(i, draws) for i in range(FURTHER)]})
        parquet.write_table(texts, folder / "further.parquet")
        task = replace(task, further=Texts(folder / "further.parquet"))
    return replace(
        task,
        **named,
        data=str(folder),
        train=parts["train"],
        dev=parts["dev"],
        test=parts["test"],
    )


def _shrunk(split: Split, part: Part, classes: int) -> Part:
    size = SIZES[split]
    if part.size is None:
        return part
    return replace(part, size=size // classes) if part.per_class else replace(part, size=size)


def _columns(task: SourceTask, labels: Any, draws: np.random.Generator) -> dict[str, list[Any]]:
    """One value of each column and row; no two rows are copies."""
    if isinstance(task, ImageTask):
        return {task.image: [{"bytes": _png(task.shape, draws)} for _ in labels]}
    if isinstance(task, FewRel):
        return _relations(len(labels), draws)
    return {
        column: [_sentence(i, draws) for i in range(len(labels))]
        for column in getattr(task, "columns", ())
    }


def _sentence(number: int, draws: np.random.Generator) -> str:
    words: Sequence[str] = draws.choice(WORDS, draws.integers(10, 16)).tolist()
    return " ".join([*words, str(number)])


def _relations(rows: int, draws: np.random.Generator) -> dict[str, list[Any]]:
    tokens = [_sentence(i, draws).split() for i in range(rows)]
    mentions = {"head": 0, "tail": 1}
    things = {
        name: [{"text": row[at], "type": f"Q{at}", "indices": [[at]]} for row in tokens]
        for name, at in mentions.items()
    }
    return {"tokens": tokens, **things}


def _png(shape: tuple[int, int, int], draws: np.random.Generator) -> bytes:
    channels, height, width = shape
    pixels = draws.integers(0, 256, (height, width, channels), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(file, "PNG")
    return file.getvalue()
