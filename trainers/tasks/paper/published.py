"""Rows of data sets that the hub has, as published: for a plan before they are here."""

from __future__ import annotations

from collections.abc import Mapping

from trainers.tasks.elsewhere.source import SourceTask
from trainers.tasks.parts import Part

#: By hub name, configuration and split; of GLUE the labelled ones.
ROWS: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("SetFit/sst5", ""): {"train": 8_544, "validation": 1_101, "test": 2_210},
    ("CogComp/trec", ""): {"train": 5_452, "test": 500},
    ("PolyAI/banking77", ""): {"train": 10_003, "test": 3_080},
    ("abisee/cnn_dailymail", "3.0.0"): {"train": 287_113, "validation": 13_368, "test": 11_490},
    ("Harvard/gigaword", ""): {"train": 3_803_957, "validation": 189_651, "test": 1_951},
    ("ctr4si/reddit_tifu", "long"): {"train": 42_139},
    ("thunlp/few_rel", ""): {"train_wiki": 44_800, "val_wiki": 11_200},
    ("uoft-cs/cifar100", ""): {"train": 50_000, "test": 10_000},
    ("nyu-mll/glue", "cola"): {"train": 8_551, "validation": 1_043},
    ("nyu-mll/glue", "sst2"): {"train": 67_349, "validation": 872},
    ("nyu-mll/glue", "mrpc"): {"train": 3_668, "validation": 408, "test": 1_725},
    ("nyu-mll/glue", "qqp"): {"train": 363_846, "validation": 40_430},
    ("nyu-mll/glue", "mnli"): {"train": 392_702, "validation_matched": 9_815},
    ("nyu-mll/glue", "qnli"): {"train": 104_743, "validation": 5_463},
    ("nyu-mll/glue", "rte"): {"train": 2_490, "validation": 277},
}
_CLASSES = {("thunlp/few_rel", ""): 64}


def training_examples(task: SourceTask) -> int | None:
    """How many examples a task trains on, without its data; None where nobody knows.

    >>> from trainers.tasks import cifar100, glue
    >>> training_examples(cifar100()), training_examples(glue("rte"))
    (45000, 2213)
    """
    source = (str(task.data), task.config)
    rows = ROWS.get(source, {}).get(task.train.split)
    if rows is None:
        return None
    classes = len(task.class_names) or _CLASSES.get(source, 1)
    if task.train.size is not None:
        return _size(task.train, rows, classes)
    others = [p for p in (task.dev, task.test) if p.split == task.train.split]
    return rows - sum(_size(part, rows, classes) for part in others)


def _size(part: Part, rows: int, classes: int) -> int:
    size = part.size or 0
    if isinstance(size, float):
        return round(size * rows)
    return size * classes if part.per_class else size
