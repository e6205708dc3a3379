"""Where the scores come from that a question is about: files, MLflow, or the record."""

from __future__ import annotations

import argparse
import glob
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.answer.chance import notes_on_chance
from benchmark.answer.evaluated import named, scores_of_seeds
from benchmark.answer.logged_runs import scores_of_experiment
from benchmark.answer.probed import without_anchors
from benchmark.errors import BenchmarkError
from benchmark.record.environment import TrainedIn
from benchmark.record.of_study import declared_judging, file_digest, runs_of, scores_table
from benchmark.record.query import Query
from benchmark.record.studies import recorded_study
from benchmark.record.study_record import StudyRecord
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from benchmark.tuning.notes import notes_on_tuning

if TYPE_CHECKING:
    import pandas as pd

    from stats import Judging
    from stats.changes.swept_arms import SweptArms
    from stats.table.evaluations import Evaluation


@dataclass(frozen=True)
class Scores:
    """What is to be judged.

    Attributes:
        arms: the baseline and its candidates; none where a file does not declare them.
        judging: how, as declared.
        study: their name in the output.
        notes: what is to be said of the runs, whatever is asked about them.
        sweeps: candidates that differ in one ordered hyper-parameter alone, as declared.
        between_inits: whether effects under several inits are held against each other.
    """

    table: pd.DataFrame
    arms: tuple[str, ...]
    judging: Judging
    study: str
    notes: tuple[str, ...] = ()
    sweeps: tuple[SweptArms, ...] = ()
    between_inits: bool = True


def from_file(
    options: argparse.Namespace, files: Sequence[Path], evaluated: Sequence[Evaluation]
) -> Scores:
    """Scores in files; what lm-evaluation-harness says in them has been read.

    Raises:
        BenchmarkError: a split that they do not tell of.
        ScoresError: they cannot be read.
    """
    from stats import Judging, read_scores

    judging = Judging(paired=not options.unpaired)
    columns = _columns(options)
    if evaluated:
        table = scores_of_seeds(evaluated, options)
    else:
        table = read_scores(files, options.metric, columns, options.wide, _within(options))
    told = named(files)
    if options.split and not table["split"].any():
        raise BenchmarkError(f"--split {options.split}: {told} has no column split.")
    notes = (*_notes_on_direction(table, options), *_notes_on_folders(files, evaluated))
    return Scores(table, (), judging, told, notes)


def _within(options: argparse.Namespace) -> str | None:
    """The column that tells scores of one seed apart, of folds or items."""
    return options.folds if options.items is None else str(options.items)


def files_asked_for(asked: Sequence[Path]) -> list[Path]:
    """The files that are asked for, each once; patterns that the shell has left are filled in.

    Raises:
        BenchmarkError: no file is called so.
    """
    found: list[Path] = []
    for path in asked:
        pattern = str(path)
        if path.exists() or not glob.has_magic(pattern):
            found.append(path)
            continue
        there = sorted(glob.glob(pattern, recursive=True))
        if not there:
            raise BenchmarkError(f"--input {pattern}: no file is called so.")
        found += map(Path, there)
    return list(dict.fromkeys(found))


def _notes_on_direction(table: pd.DataFrame, options: argparse.Namespace) -> tuple[str, ...]:
    named = table["metric"].any() or table["direction"].any()
    if named or options.lower_is_better is not None:
        return ()
    return ("the scores name no metric: more is taken as better; else say --lower-is-better.",)


def _columns(options: argparse.Namespace) -> dict[str, str]:
    columns = dict(options.columns or ())
    if len(columns) < len(options.columns or ()):
        raise BenchmarkError("--columns names one column of scores twice.")
    return columns


def from_experiment(options: argparse.Namespace) -> Scores:
    """Scores of runs that other programs logged with MLflow.

    Raises:
        BenchmarkError: a split that they do not tell of.
    """
    from stats import Judging

    table, left_out = scores_of_experiment(options, _columns(options))
    if options.split and not table["split"].any():
        raise BenchmarkError(f"--split {options.split}: {options.mlflow} has no column split.")
    judging = Judging(paired=not options.unpaired)
    notes = (*_notes_on_direction(table, options), *left_out)
    return Scores(table, (), judging, options.mlflow, notes)


def _notes_on_folders(files: Sequence[Path], evaluated: Sequence[Evaluation]) -> tuple[str, ...]:
    from stats.table.reading.trainer_folders import told, trainer_runs

    folders = [path for path in files if path.is_dir()]
    return (told(trainer_runs(folders)),) if folders and not evaluated else ()


def from_record(options: argparse.Namespace) -> Scores:
    """Scores of the runs, or of the probes, of a study in the record.

    Raises:
        StoreError: there is no record, or it cannot be opened.
    """
    store = Store.choose(options.store)
    store.require()
    query = Query(Connection(store))
    record = recorded_study(query, options.study)
    _warn_of_changes(record, options.study)
    split = options.split or "test"
    if options.probes:
        return _of_probes(record.of_probes(), query, options.metric, split)
    return _of_record(record, query, options.metric, split)


def _of_record(record: StudyRecord, query: Query, metric: str | None, split: str) -> Scores:
    finished = runs_of(record, query)
    table = scores_table(record, query, finished, metric, split)
    return Scores(
        table=table,
        arms=record.arms,
        judging=declared_judging(record, metric, split),
        study=record.study,
        notes=(
            *TrainedIn.of(record, finished).notes(),
            *notes_on_chance(record, table, query, finished),
            *notes_on_tuning(record),
        ),
        sweeps=record.sweeps,
    )


def _of_probes(record: StudyRecord, query: Query, metric: str | None, split: str) -> Scores:
    finished = runs_of(record, query)
    return Scores(
        table=without_anchors(scores_table(record, query, finished, metric, split)),
        arms=record.arms,
        judging=declared_judging(record, metric, split),
        study=record.study,
        notes=tuple(TrainedIn.of(record, finished).notes()),
        between_inits=False,
    )


def _warn_of_changes(record: StudyRecord, asked: str | None) -> None:
    moved = asked is not None and asked != record.study
    file = Path(asked if moved and asked else record.study_file)
    if file.is_file() and file_digest(file) != record.study_digest:
        print(
            f"bench: {file} has changed since it was last run; these are the runs, margin and "
            "comparisons of that time.",
            file=sys.stderr,
        )
