"""What a study leaves in the record, and the scores table that statistics are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.declare.swept import declared_sweeps
from benchmark.errors import StoreError
from benchmark.record.environment import TrainedIn
from benchmark.record.study_record import (
    PlannedRun,
    RecordedCell,
    RecordedSearch,
    StudyRecord,
)
from benchmark.runs.probed import link_inits
from benchmark.runs.probing import probe_of

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.record.query import Query
    from benchmark.record.recorded import Recorded
    from benchmark.runs.plan import Plan
    from stats import Judging


def study_record(
    plan: Plan, study_file: Path, tuning: Sequence[RecordedSearch] = ()
) -> StudyRecord:
    """What is recorded of a plan: what was declared, and the key of every cell."""
    study = plan.study
    return StudyRecord(
        study=study.name,
        study_file=str(study_file.resolve()),
        study_digest=file_digest(study_file),
        baseline=study.comparison.baseline,
        candidates=tuple(study.comparison.candidates),
        judging=study.judging,
        sizes={task.name: {str(s): n for s, n in task.sizes.items()} for task in study.tasks},
        seeds=tuple(study.seeds),
        cells=tuple(
            RecordedCell(
                key=k,
                model=arm.model.name,
                init=arm.init_name,
                method=arm.name,
                task=task.name,
                seed=seed,
                metric=study.metric_on(task),
            )
            for (arm, task, seed), k in zip(study.cells(), plan.cells, strict=True)
        ),
        tuning=tuple(tuning),
        runs=tuple(
            PlannedRun(
                key=k,
                name=run.name,
                role=run.role,
                needs={role: need.key for role, need in run.needs.items()},
            )
            for k, run in plan.runs.items()
        ),
        sweeps=declared_sweeps(study.arms, study.comparison.candidates),
        probes=tuple(RecordedCell(**vars(probe)) for probe in plan.probes),
        probe_sizes={
            probe_of(task): {str(s): n for s, n in task.sizes.items()}
            for task in study.probed_tasks
        },
        chains=link_inits(study),
    )


def _wanting(record: StudyRecord, query: Query, finished: Mapping[str, Recorded]) -> dict[str, str]:
    """By key, for want of what a run was not started; of those that need one that failed."""
    reasons = query.last_reasons(run.key for run in record.runs if run.key not in finished)
    found: dict[str, str] = {}
    for run in record.runs:  # each after those that it needs
        for key in run.needs.values():
            if key in found and run.key not in finished:
                found.setdefault(run.key, found[key])
        if run.key in reasons:
            found[run.key] = f"not run, for want of {run.name} ({reasons[run.key]})"
    return found


def declared_judging(record: StudyRecord, metric: str | None, split: str) -> Judging:
    """How a study declared, before its data were seen, that they are to be judged.

    Accuracy is a whole number of examples out of those of the split; with it come its resolution
    and these sizes, by task.

    Args:
        record: of the study.
        metric: what is looked at; None for each task's own.
        split: "dev" or "test".

    Raises:
        StoreError: by what this process does not know.
    """
    declared = replace(record.require_judging(), metric=metric, split=split)
    own = {cell.task: cell.metric for cell in record.cells}
    if metric is not None and any(metric != each for each in own.values()):
        # It was declared in points of another metric.
        declared = replace(declared, margin=None, lower_is_better=None)
    sizes = {
        task: size[split]
        for task, size in record.sizes.items()
        if (metric or own[task]) == "accuracy" and split in size
    }
    steps = {task: 100 / size for task, size in sizes.items()}
    return replace(declared, resolution=steps, test_examples=sizes)


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def runs_of(record: StudyRecord, query: Query) -> dict[str, Recorded]:
    """The finished runs of a study's cells and probes, and of all that these needed, by key."""
    return query.finished_with_needs(cell.key for cell in record.judged)


def scores_table(
    record: StudyRecord,
    query: Query,
    finished: Mapping[str, Recorded],
    metric: str | None,
    split: str,
    required: bool = True,
) -> pd.DataFrame:
    """The scores of a study's cells; a cell without a finished run has NaN and a reason.

    Args:
        record: of the study.
        query: asked why others have not finished.
        finished: the runs that have, from :func:`runs_of`.
        metric: what to read; None takes each task's own.
        split: "dev" or "test".
        required: whether there has to be one.

    Returns:
        Columns model, init, method, task, seed, split, metric, score, status.

    Raises:
        StoreError: no run has that metric on that split.
    """
    import pandas as pd

    open_ones = [cell.key for cell in record.cells if cell.key and cell.key not in finished]
    reasons = query.last_reasons(open_ones)
    wanting = _wanting(record, query, finished) if open_ones else {}
    strangers = TrainedIn.of(record, finished).strangers(record)
    rows = []
    for cell in record.cells:
        name = metric or cell.metric
        done = None if cell.key in strangers else finished.get(cell.key)
        why = wanting.get(cell.key, "not run") if cell.key else "its tuning found no setting"
        why = strangers.get(cell.key, why)
        rows.append(
            {
                **cell.place,
                "seed": cell.seed,
                "split": split,
                "metric": name,
                "score": done.scores.get(f"{split}/{name}", float("nan")) if done else float("nan"),
                "status": "finished" if done else reasons.get(cell.key, why),
            }
        )
    table = pd.DataFrame(rows)
    if required and table["score"].isna().all():
        own = [finished[cell.key] for cell in record.cells if cell.key in finished]
        known = sorted({name for run in own for name in run.scores if "/" in name})
        there = f"; recorded are: {', '.join(known)}" if known else "; no run has finished"
        raise StoreError(
            f'study "{record.study}": no run has {metric or "its metric"} on {split}{there}.'
        )
    return table
