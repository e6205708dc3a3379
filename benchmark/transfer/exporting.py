"""Write a study into one file: its runs with all that they keep, and what Optuna knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.record.of_study import runs_of
from benchmark.record.provenance import version_of
from benchmark.record.query import Query
from benchmark.record.recorded import PARENT, Recorded
from benchmark.record.studies import recorded_study
from benchmark.record.study_record import StudyRecord
from benchmark.record.whole import WholeRun, files_of, read_whole
from benchmark.transfer.format import FORMAT, HEAD, VERSION, Outgoing, packing
from benchmark.tuning.moving import told_trials
from benchmark.tuning.of_study import has_searches, storage_url


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        study: its name.
        runs: how many.
        left_out: runs that have not ended.
        searches: how many Optuna knows of.
    """

    study: str
    runs: int
    left_out: int
    searches: int


def export_study(query: Query, wanted: str, path: Path, asked: str | None) -> Exported:
    """Write a study into a file; the same record gives the same bytes.

    A run is read when its turn comes, and its files are copied a piece at a time.

    Args:
        query: to the record.
        wanted: name or file of the study.
        path: of the file, which must not be there.
        asked: where its searches are kept, if not beside the record.

    Raises:
        StoreError: no such study is recorded.
        TransferError: the file cannot be written.
    """
    record = recorded_study(query, wanted)
    experiments = query.connection.experiments()
    (own,) = (each for each, name in experiments.items() if name == record.study)
    found = _runs(query, record, own)
    runs = [run for run in found if run.status != "RUNNING"]
    searches = [*_searches(query, runs, asked)]
    with packing(path) as packed:
        packed.add(
            HEAD,
            {
                "format": FORMAT,
                "version": VERSION,
                "armbench": version_of("armbench"),
                "study": record.study,
                "described": query.description(own),
                "cells": sorted({cell.key for cell in record.cells if cell.key}),
            },
        )
        for i, search in enumerate(searches):
            packed.add(f"searches/{i}.json", search)
        for run, parent in _parents_first(runs):
            _add(packed, query, read_whole(query, run, experiments[run.experiment], parent), run)
    return Exported(record.study, len(runs), len(found) - len(runs), len(searches))


def _searches(
    query: Query, runs: Sequence[Recorded], asked: str | None
) -> Iterator[Mapping[str, Any]]:
    """What Optuna knows of the searches of a study."""
    if not has_searches(query.store, asked):
        return
    storage = storage_url(query.store, asked)
    for name in sorted({run.tags["optuna_study"] for run in runs if "optuna_study" in run.tags}):
        if search := told_trials(storage, name):
            yield search


def _runs(query: Query, record: StudyRecord, experiment: str) -> list[Recorded]:
    """Every attempt at the runs of a study, what these needed, and what is kept beside them."""
    own = query.runs(experiment=experiment)
    found = {run.run_id: run for run in own if "key" in run.tags or "role" in run.tags}
    finished = runs_of(record, query)
    keys = {run.key for run in record.runs} | {cell.key for cell in record.cells}
    new = keys
    while new := {key for k in new if k in finished for key in finished[k].needs.values()} - keys:
        keys |= new
    for run in query.with_tag("key", keys):
        found.setdefault(run.run_id, run)
    return list(found.values())


def _parents_first(runs: list[Recorded]) -> Iterator[tuple[Recorded, str]]:
    """Runs by depth and time, each with the identity of its parent."""
    by_id = {run.run_id: run for run in runs}

    def above(run: Recorded) -> Recorded | None:
        return by_id.get(run.tags.get(PARENT, ""))

    def depth(run: Recorded, most: int = 9) -> int:
        parent = above(run)
        return 1 + depth(parent, most - 1) if parent and most else 0

    for run in sorted(runs, key=lambda each: (depth(each), each.began, each.identity)):
        parent = above(run)
        yield run, parent.identity if parent else ""


def _add(packed: Outgoing, query: Query, whole: WholeRun, run: Recorded) -> None:
    packed.add(f"runs/{whole.identity}/run.json", whole.as_json())
    for name, path in files_of(query, run):
        packed.add_file(f"runs/{whole.identity}/files/{name}", path)
