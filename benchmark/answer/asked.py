"""`bench stats`: verdicts from recorded runs or your own scores."""

from __future__ import annotations

import argparse
import glob
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.answer import answers
from benchmark.answer.chance import notes_on_chance
from benchmark.answer.evaluated import (
    are_of_documents,
    evaluations_in,
    named,
    scores_of_seeds,
    verdicts_on_documents,
)
from benchmark.answer.logged_runs import scores_of_experiment
from benchmark.answer.probed import without_anchors
from benchmark.answer.questions import check_question, needs_arms, others
from benchmark.errors import BenchmarkError
from benchmark.record.environment import TrainedIn
from benchmark.record.of_study import declared_judging, file_digest, runs_of, scores_table
from benchmark.record.query import Query
from benchmark.record.studies import recorded_study
from benchmark.record.study_record import StudyRecord
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from benchmark.terminal.page import page, rendered
from benchmark.tuning.notes import notes_on_tuning

if TYPE_CHECKING:
    import pandas as pd

    from stats import Judging
    from stats.changes.swept_arms import SweptArms
    from stats.report import Result
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


def answer(options: argparse.Namespace) -> int:
    """Answer a question about recorded runs, or about a table of scores."""
    check_question(options)
    files = _files(options.input or ())
    evaluated = evaluations_in(files, options.cluster)
    if evaluated and are_of_documents(evaluated, options):
        results: Sequence[Result] = [verdicts_on_documents(evaluated, files, options)]
        sys.stdout.write(rendered(results, options.format, page()))
        return 0
    if files:
        scores = _from_file(options, files, evaluated)
    else:
        scores = _from_experiment(options) if options.mlflow else _from_record(options)
    results, notes = _answer(options, scores), scores.notes
    if not options.each:
        results, more = over_all_tasks(results)
        notes = (*notes, *more)
    sys.stdout.write(rendered(results, options.format, page(), notes))
    return 0


def over_all_tasks(results: Sequence[Result]) -> tuple[Sequence[Result], tuple[str, ...]]:
    """What is said over all tasks without the same on each, and a note on how to see that."""
    from stats.changes.of_sweeps import SweepAnalysis
    from stats.many_tasks.pooled import Pooled

    pooled = [
        each
        for each in results
        if isinstance(each, Pooled) or (isinstance(each, SweepAnalysis) and each.judging.tasks)
    ]
    if not pooled:
        return results, ()
    return pooled, ("the verdict on each task alone: bench stats --each.",)


def _answer(options: argparse.Namespace, scores: Scores) -> Sequence[Result]:
    from stats import NotEnoughPairs, NotPaired

    judging = _given(options, scores.judging)
    if options.each and not judging.tasks:
        raise BenchmarkError(
            "--each adds verdicts on each task to one over all of them: it goes with --tasks."
        )
    if options.scale and not judging.tasks:
        raise BenchmarkError(
            "--scale is a common scale of several tasks: it goes with --tasks fixed or sampled."
        )
    if options.resolution is not None and judging.tasks and (options.rank or options.bayes):
        raise BenchmarkError(
            "--resolution is that of a run; the averages that --tasks makes have a finer one."
        )
    try:
        if options.rank:
            return answers.rankings(
                *(scores.table, options.compare, judging, scores.study),
                post_hoc=options.test or "",
                correction=options.correction or "",
            )
        return _compared(options, scores, judging)
    except (NotEnoughPairs, NotPaired) as error:
        own = options.input[0] if options.input else options.mlflow
        if not own or options.unpaired or not _only_seeds_differ(scores, options):
            raise
        raise BenchmarkError(
            f"{error}. If the seeds in {own} mean nothing, say so with --unpaired."
        ) from error


def _only_seeds_differ(scores: Scores, options: argparse.Namespace) -> bool:
    """Whether the arms asked for, or all, meet on a model, init and task, and share no seed.

    Seeds with the same numbers are perhaps one that is spelled twice, and no reason to unpair.
    """
    from stats.table.reading.seeds import number_in

    table, arms = scores.table, options.compare if len(options.compare or ()) > 1 else None
    named = table[table["method"].isin(arms)] if arms else table

    def held(*columns: str) -> list[set[tuple[Any, ...]]]:
        parts = (part[list(columns)] for _, part in named.groupby("method"))
        return [set(part.itertuples(index=False, name=None)) for part in parts]

    if named["method"].nunique() < 2:
        return False
    place = ("model", "init", "task")
    met, shared = set.intersection(*held(*place)), set.intersection(*held(*place, "seed"))
    numbers = [{number_in(seed) for (seed,) in each} - {()} for each in held("seed")]
    return bool(met) and not shared and not set.intersection(*numbers)


def _given(options: argparse.Namespace, declared: Judging) -> Judging:
    """What the command line says in place of the study."""
    names = [
        *("metric", "split", "margin", "alpha", "correction", "family", "test", "effect"),
        *("equivalence", "zeros", "interaction_scale", "tasks", "scale", "resolution"),
        "lower_is_better",
    ]
    if options.rank:  # of all pairs, which have tests and corrections of their own
        names = [name for name in names if name not in ("test", "correction")]
    given = {name: getattr(options, name) for name in names}
    if (options.scale or declared.scale) and not options.collapse:
        given["common_margin"] = given.pop("margin")
    given = {name: value for name, value in given.items() if value is not None}
    if options.scale not in (None, declared.scale):
        given.setdefault("common_margin", None)  # it was declared on another scale
    return replace(declared, **given)


def _compared(options: argparse.Namespace, scores: Scores, judging: Judging) -> Sequence[Result]:
    """Candidates against the baseline: those asked for, in the family that the study declared."""
    from stats import analyse_collapse, posteriors

    table, study = scores.table, scores.study
    if options.against:
        from stats.verdicts.against import analyse_against

        return [analyse_against(table, options.against, options.compare, judging, study=study)]
    if not (options.compare or scores.arms):
        return [_of_one_arm(options, scores, judging)]
    baseline, *asked = options.compare or scores.arms
    asked = asked or others(scores.arms or table["method"].drop_duplicates(), baseline)
    if options.folds is not None:
        from stats.verdicts.folds import analyse_folds

        sizes = options.split_sizes
        return [analyse_folds(table, baseline, asked, judging, split_sizes=sizes, study=study)]
    if options.collapse:
        below = options.below
        return [analyse_collapse(table, baseline, asked, judging, below=below, study=study)]
    if options.bayes:
        return [posteriors(table, baseline, asked, judging, study=study)]
    if baseline not in scores.arms[:1]:
        return answers.verdicts(table, baseline, asked, judging, study, scores.between_inits)
    whole_sweeps = [each for each in scores.sweeps if set(each.arms) <= set(asked)]
    if not set(asked) < set(scores.arms[1:]):
        swept = answers.swept_verdicts(table, baseline, asked, whole_sweeps, judging, study)
        whole = answers.verdicts(table, baseline, asked, judging, study, scores.between_inits)
        return [*whole, *swept]
    family = scores.arms[1:]
    note = f"p-values are corrected over the study's whole family: {', '.join(family)}."
    whole = answers.verdicts(table, baseline, family, judging, study, scores.between_inits)
    swept = answers.swept_verdicts(table, baseline, family, whole_sweeps, judging, study)
    return [*answers.only_candidates(whole, asked, note), *swept]


def _of_one_arm(options: argparse.Namespace, scores: Scores, judging: Judging) -> Result:
    """Intervals where a file has one arm and nothing to compare it with.

    Raises:
        BenchmarkError: it has several, or a question is asked that takes two.
    """
    from stats.verdicts.one_arm import analyse_arm

    asked = options.bayes or options.collapse or options.folds is not None
    if asked or scores.table["method"].nunique() > 1:
        raise needs_arms(options)
    items = options.items is not None
    return analyse_arm(
        scores.table, judging, examples=options.examples, items=items, study=scores.study
    )


def _from_file(
    options: argparse.Namespace, files: Sequence[Path], evaluated: Sequence[Evaluation]
) -> Scores:
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


def _files(asked: Sequence[Path]) -> list[Path]:
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


def _from_experiment(options: argparse.Namespace) -> Scores:
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


def _from_record(options: argparse.Namespace) -> Scores:
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
