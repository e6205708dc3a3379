"""Results of lm-evaluation-harness: verdicts on documents, or over seeds where models have them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.answer.questions import needs_arms, others
from benchmark.errors import BenchmarkError

if TYPE_CHECKING:
    import pandas as pd

    from stats.table.evaluations import Evaluation
    from stats.verdicts.on_documents import DocumentAnalysis

#: What has no use where models were evaluated once each.
_OVER_SEEDS = (
    *("columns", "wide", "unpaired", "split", "tasks", "each", "scale", "rank", "bayes"),
    *("collapse", "below", "test", "effect", "equivalence", "zeros", "interaction_scale"),
    *("resolution", "folds", "split_sizes", "against", "items", "examples"),
)


def evaluations_in(files: Sequence[Path], cluster: str | None) -> Sequence[Evaluation]:
    """What lm-evaluation-harness says in these files; nothing where they are other files.

    Args:
        files: and folders, which are searched for files of the harness.
        cluster: what documents of one cluster share, as a path into them.

    Raises:
        ScoresError: a file of the harness cannot be read, or contradicts another.
        BenchmarkError: clusters are asked for, and there is no document.
    """
    from stats.table.reading.harness.joined import harness_files, read_evaluations

    found = read_evaluations(harness_files(files), cluster)
    if cluster and all(each.documents is None for each in found):
        raise BenchmarkError(
            "--cluster says which documents belong together: it goes with the samples_*.jsonl "
            "that lm-evaluation-harness writes with --log_samples."
        )
    return found


def are_of_documents(evaluated: Sequence[Evaluation], options: argparse.Namespace) -> bool:
    """Whether verdicts are about documents: these were logged, or a model has one seed alone."""
    asked = options.compare if options.compare and len(options.compare) > 1 else ()
    chosen = [each for each in evaluated if each.method in asked] or evaluated
    if any(each.documents for each in chosen):
        return True
    seeds: dict[str, set[object]] = {each.method: set() for each in chosen}
    for each in chosen:
        seeds[each.method].add(each.seed)
    return any(len(of_method) < 2 for of_method in seeds.values())


def verdicts_on_documents(
    evaluated: Sequence[Evaluation], files: Sequence[Path], options: argparse.Namespace
) -> DocumentAnalysis:
    """The verdicts that the options ask for.

    Raises:
        BenchmarkError: an option that is of seeds, or no arms to be compared.
        StatsError: as of `stats.verdicts.on_documents.analyse_documents`.
    """
    from stats import Judging
    from stats.verdicts.on_documents import analyse_documents

    useless = [name for name in _OVER_SEEDS if getattr(options, name) not in (None, False)]
    if useless:
        raise BenchmarkError(
            "verdicts on models that were evaluated once are about documents, and have no use for "
            f"{' or '.join('--' + name.replace('_', '-') for name in useless)}."
        )
    asked = ("metric", "lower_is_better", "alpha", "margin", "correction", "family")
    given = {name: getattr(options, name) for name in asked}
    judging = Judging(**{name: value for name, value in given.items() if value is not None})
    if not options.compare:
        raise needs_arms(options)
    baseline, *candidates = options.compare
    candidates = candidates or others([each.method for each in evaluated], baseline)
    return analyse_documents(evaluated, baseline, candidates, judging, study=named(files))


def scores_of_seeds(evaluated: Sequence[Evaluation], options: argparse.Namespace) -> pd.DataFrame:
    """A table of the scores, a row for each seed.

    Raises:
        BenchmarkError: columns are named.
        StatsError: a metric that no task has, or one of several.
        ScoresError: a model without a seed.
    """
    import pandas as pd

    from stats import ScoresError, validate_scores
    from stats.table.evaluations import of_one_metric

    of_tables = ("columns", "wide", "folds", "items", "examples")
    given = [f"--{name}" for name in of_tables if getattr(options, name) is not None]
    if given:
        raise BenchmarkError(
            f"the files of lm-evaluation-harness say what is what: leave out {' and '.join(given)}."
        )
    chosen = of_one_metric(evaluated, options.metric)
    seedless = [each for each in chosen if each.seed is None]
    if seedless:
        raise ScoresError(
            f"{seedless[0].source}: {seedless[0].method} names no seed, as {seedless[0].method}-"
            "seed1 would"
        )
    directions = {None: "", True: "lower", False: "higher"}
    rows = [
        {
            **{name: getattr(each, name) for name in ("method", "seed", "task", "score")},
            "metric": each.metric,
            "direction": directions[each.lower_is_better],
        }
        for each in chosen
    ]
    return validate_scores(pd.DataFrame(rows), "the results")


def named(files: Sequence[Path]) -> str:
    """What several files are called in the output."""
    return files[0].name if len(files) == 1 else f"{len(files)} files"
