"""`bench stats`: verdicts from recorded runs or your own scores."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmark.answer import answers
from benchmark.answer.evaluated import are_of_documents, evaluations_in, verdicts_on_documents
from benchmark.answer.questions import check_question, needs_arms, others
from benchmark.answer.sources import (
    Scores,
    files_asked_for,
    from_experiment,
    from_file,
    from_record,
)
from benchmark.errors import BenchmarkError
from benchmark.terminal.page import page, rendered

if TYPE_CHECKING:
    from stats import Judging
    from stats.report import Result


def answer(options: argparse.Namespace) -> int:
    """Answer a question about recorded runs, or about a table of scores."""
    check_question(options)
    files = files_asked_for(options.input or ())
    evaluated = evaluations_in(files, options.cluster)
    if evaluated and are_of_documents(evaluated, options):
        results: Sequence[Result] = [verdicts_on_documents(evaluated, files, options)]
        sys.stdout.write(rendered(results, options.format, page()))
        return 0
    if files:
        scores = from_file(options, files, evaluated)
    else:
        scores = from_experiment(options) if options.mlflow else from_record(options)
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
