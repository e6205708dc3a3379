"""What a study leaves in the record, and the scores table that statistics are made of."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import StoreError
from benchmark.record.environment import TrainedIn
from benchmark.runs.key import key

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.record.query import Query
    from benchmark.record.recorded import Recorded
    from benchmark.runs.plan import Plan
    from stats import Judging


#: What every record of a study, and every cell in it, has to say.
_RECORDED = frozenset(
    ("study", "study_file", "study_digest", "baseline", "candidates")
) | frozenset(("judging", "sizes", "seeds", "cells"))
#: What of a search an earlier version did not say.
_SEARCHED: dict[str, Any] = {
    "gain_of_choice": None,
    "importances": {},
    "expected_best": {},
    "problem": "",
    "pruned": 0,
    "failed": 0,
    "sampler": "?",
    "metric": "",
    "best": None,
    "dev": None,
    "seeds": [],
    "members": [],
}
_CELL = frozenset(("key", "model", "init", "method", "task", "seed", "metric"))


def study_record(plan: "Plan", study_file: Path) -> dict[str, Any]:
    """A plan as JSON: what was declared, and the key of every cell."""
    study = plan.study
    return {
        "study": study.name,
        "study_file": str(study_file.resolve()),
        "study_digest": file_digest(study_file),
        "baseline": study.comparison.baseline,
        "candidates": list(study.comparison.candidates),
        "judging": asdict(study.judging),
        "sizes": {task.name: dict(task.sizes) for task in study.tasks},
        "seeds": list(study.seeds),
        "cells": [
            {
                "key": k,
                "model": arm.model.name,
                "init": arm.init_name,
                "method": arm.name,
                "task": task.name,
                "seed": seed,
                "metric": study.metric_on(task),
            }
            for (arm, task, seed), k in zip(study.cells(), plan.cells, strict=True)
        ],
    }


def declared_judging(record: Mapping[str, Any], metric: str | None, split: str) -> "Judging":
    """How a study declared, before its data were seen, that they are to be judged.

    Accuracy is a whole number of examples out of those of the split; with it come its resolution
    and these sizes, by task.

    Args:
        record: from :func:`study_record`.
        metric: what is looked at; None for each task's own.
        split: "dev" or "test".
    """
    from stats import Judging

    declared = dict(record["judging"]) | {"metric": metric, "split": split}
    own = {cell["task"]: cell["metric"] for cell in record["cells"]}
    if metric is not None and any(metric != each for each in own.values()):
        declared["margin"] = None  # it was declared in points of another metric
        declared["lower_is_better"] = None
    sizes = {
        task: size[split]
        for task, size in record["sizes"].items()
        if (metric or own[task]) == "accuracy" and split in size
    }
    steps = {task: 100 / size for task, size in sizes.items()}
    return Judging(**declared | {"resolution": steps, "test_examples": sizes})


def checked(record: Mapping[str, Any]) -> dict[str, Any]:
    """A study's record as this version reads it, whichever wrote it.

    What a later version adds is left alone; how scores are judged takes the defaults for what an
    earlier one did not ask.

    Raises:
        StoreError: something is missing that has no default, or is of another kind.
    """
    from stats import Judging

    cells, judging = record.get("cells"), record.get("judging")
    whole = (
        record.keys() >= _RECORDED
        and isinstance(judging, Mapping)
        and isinstance(cells, list)
        and all(isinstance(cell, Mapping) and cell.keys() >= _CELL for cell in cells)
    )
    if not whole or not isinstance(judging, Mapping):
        raise StoreError(
            f'study "{record.get("study", "?")}" was recorded by an older version; bench run '
            "writes its plan anew, and trains nothing again."
        )
    defaults = asdict(Judging())
    known = {name: value for name, value in judging.items() if name in defaults}
    searched = [{**_SEARCHED, **each} for each in record.get("tuning", [])]
    return {**record, "judging": defaults | known, "tuning": searched}


def record_digest(record: Mapping[str, Any]) -> str:
    """What tells one plan of a study from another."""
    return key({name: value for name, value in record.items() if name != "study_file"})


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def runs_of(record: Mapping[str, Any], query: "Query") -> dict[str, "Recorded"]:
    """The finished runs of a study's cells, and of all that these needed, by key."""
    return query.finished_with_needs(cell["key"] for cell in record["cells"])


def scores_table(
    record: Mapping[str, Any],
    query: "Query",
    finished: Mapping[str, "Recorded"],
    metric: str | None,
    split: str,
) -> "pd.DataFrame":
    """The scores of a study's cells; a cell without a finished run has NaN and a reason.

    Args:
        record: from :func:`study_record`.
        query: asked why others have not finished.
        finished: the runs that have, from :func:`runs_of`.
        metric: what to read; None takes each task's own.
        split: "dev" or "test".

    Returns:
        Columns model, init, method, task, seed, split, metric, score, status.

    Raises:
        StoreError: no run has that metric on that split.
    """
    import pandas as pd

    reasons = query.last_reasons(
        cell["key"] for cell in record["cells"] if cell["key"] not in finished
    )
    strangers = TrainedIn.of(record, finished).strangers(record)
    rows = []
    for cell in record["cells"]:
        name = metric or cell["metric"]
        done = None if cell["key"] in strangers else finished.get(cell["key"])
        why = "not run" if cell["key"] else "its tuning found no setting"
        why = strangers.get(cell["key"], why)
        rows.append(
            {
                **{c: cell[c] for c in ("model", "init", "method", "task", "seed")},
                "split": split,
                "metric": name,
                "score": done.scores.get(f"{split}/{name}", float("nan")) if done else float("nan"),
                "status": "finished" if done else reasons.get(cell["key"], why),
            }
        )
    table = pd.DataFrame(rows)
    if table["score"].isna().all():
        own = [finished[cell["key"]] for cell in record["cells"] if cell["key"] in finished]
        known = sorted({name for run in own for name in run.scores if "/" in name})
        there = f"; recorded are: {', '.join(known)}" if known else "; no run has finished"
        raise StoreError(
            f'study "{record["study"]}": no run has {metric or "its metric"} on {split}{there}.'
        )
    return table
