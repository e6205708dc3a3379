"""`bench stats`: verdicts from recorded runs or your own scores."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmark.commands.options import (
    add_format,
    add_level,
    add_recorded_study,
    add_store,
    column,
    count,
    listed,
)

EXAMPLES = (
    "bench stats",
    "bench stats study.py --compare base kd --margin 0.5",
    "bench stats --input scores.csv --compare base --margin 0.5",
    "bench stats --input wandb.csv --columns method=Name seed=config.seed --compare base kd",
    "bench stats --input own.csv --against '62.13 ± 0.67, n=5'",
    "cat scores.csv | bench stats - --compare base kd",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    where = command.add_argument_group("where the scores are")
    add_recorded_study(where)
    add_store(where)
    where.add_argument(
        "--input",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="your own scores: CSV, JSON, .xlsx or Parquet, several as one table; or results and "
        "samples of lm-evaluation-harness, or folders of transformers.Trainer",
    )
    where.add_argument(
        "--mlflow",
        metavar="EXPERIMENT",
        help="runs that other programs logged into the record: an experiment, by name or id",
    )
    where.add_argument(
        "--columns",
        nargs="+",
        type=column,
        metavar="NAME=COLUMN",
        help="of --input and --mlflow: what columns are, as method=Name seed=config.seed "
        "score=test/acc",
    )
    where.add_argument(
        "--wide",
        choices=("seed", "method", "task", "metric"),
        help="of --input and --mlflow: what has a column each, in place of a row for each score",
    )
    where.add_argument(
        "--unpaired", action="store_true", help="of these: seeds mean nothing, nothing is paired"
    )
    where.add_argument(
        "--cluster",
        metavar="PATH",
        help="of samples of lm-evaluation-harness: what documents that belong together share, as "
        "doc.passage_id",
    )
    where.add_argument(
        "--folds",
        nargs="?",
        const="",
        metavar="COLUMN",
        help="of --input: scores are of folds of a cross-validation, which COLUMN names (default: "
        "fold, else seed; seeds beside it are repetitions)",
    )
    where.add_argument(
        "--split-sizes",
        nargs=2,
        type=count,
        metavar=("TRAIN", "TEST"),
        help="of --folds: examples that each trains and tests on (default: of k folds k - 1 to 1)",
    )
    alone = where.add_mutually_exclusive_group()
    alone.add_argument(
        "--examples",
        type=count,
        metavar="N",
        help="of --input with one score of one arm: size of its test set, for the interval",
    )
    alone.add_argument(
        "--items",
        metavar="COLUMN",
        help="of --input with one arm: it has a score for each item of the test set, by COLUMN",
    )
    where.add_argument(
        "--probes", action="store_true", help="the probes of the study in place of its runs"
    )
    what = command.add_argument_group("what is compared")
    what.add_argument(
        "--compare",
        nargs="+",
        metavar=("BASELINE", "CANDIDATE"),
        help="arms, the baseline first; a baseline alone meets all others (default: as the study "
        "declares; with --rank: all)",
    )
    what.add_argument(
        "--against",
        metavar="PRINTED",
        help='in place of a baseline a score of a paper, as "62.13 ± 0.67, n=5"; with "se" or '
        '"ci95" if the ± is no sd; --compare then names arms (default: all)',
    )
    what.add_argument("--metric", help="default: each task's own")
    _add_direction(what)
    what.add_argument("--split", help="dev or test (default: test)")
    _add_question(command)
    _add_answer(command)
    add_format(command)


def _add_direction(what: Any) -> None:
    direction = what.add_mutually_exclusive_group()
    for name, lower in (("lower", True), ("higher", False)):
        direction.add_argument(
            f"--{name}-is-better",
            dest="lower_is_better",
            action="store_const",
            const=lower,
            help="of the metric (default: as declared, else by the words of its name)",
        )


def _add_question(stats: argparse.ArgumentParser) -> None:
    from stats.choices import COMMON_SCALES, TASKS

    question = stats.add_argument_group(
        "which question", "By default: is each candidate better, and by how much, on each task?"
    )
    question.add_argument(
        "--tasks",
        choices=TASKS,
        help="over all tasks at once: these (fixed; tested over seeds), or others like them "
        "(sampled; tested over tasks)",
    )
    question.add_argument(
        "--each", action="store_true", help="with --tasks: the verdict on each task, too"
    )
    question.add_argument(
        "--scale",
        choices=COMMON_SCALES,
        help="of --tasks on unlike scales: change from the baseline in %%, rank among the arms, or "
        "sds over seeds (margins are then of that scale)",
    )
    one = question.add_mutually_exclusive_group()
    one.add_argument(
        "--rank", action="store_true", help="all arms among each other, and which can be told apart"
    )
    one.add_argument(
        "--bayes",
        action="store_true",
        help="how probable is it that a candidate is worse, inside the margin, or better?",
    )
    one.add_argument(
        "--collapse",
        action="store_true",
        help="how often does an arm collapse, and how do they differ where neither does?",
    )
    question.add_argument(
        "--below",
        type=float,
        metavar="SCORE",
        help="with --collapse: a run has collapsed that is no better than this (default: one far "
        "below the median of its arm)",
    )


def _add_answer(stats: argparse.ArgumentParser) -> None:
    from stats.choices import (
        BY_ALL_PAIRS,
        BY_MEAN_RANKS,
        EQUIVALENCES,
        FAMILIES,
        SCALES,
        ZEROS,
    )
    from stats.register import PAIRED_EFFECTS, PAIRED_TESTS, UNPAIRED_EFFECTS, UNPAIRED_TESTS

    how = stats.add_argument_group("how it is answered", "By default: as the study declares.")
    how.add_argument(
        "--test",
        help=f"{listed(PAIRED_TESTS)}; with --unpaired: {listed(UNPAIRED_TESTS)}; with --rank also "
        + ", ".join(BY_MEAN_RANKS),
    )
    how.add_argument(
        "--effect",
        help=f"{listed(PAIRED_EFFECTS)}; with --unpaired: {listed(UNPAIRED_EFFECTS)}",
    )
    add_level(how, f"; with --rank also {BY_ALL_PAIRS}")
    how.add_argument("--family", choices=FAMILIES, help="corrected together")
    how.add_argument(
        "--equivalence", choices=EQUIVALENCES, help="of means (default) or of pseudo-medians"
    )
    how.add_argument("--zeros", choices=ZEROS, help="of the signed-rank test")
    how.add_argument("--interaction-scale", choices=SCALES, help="points (default) or log odds")
    how.add_argument(
        "--resolution", type=float, help="smallest step of the metric (accuracy of a study: known)"
    )


def stats(options: argparse.Namespace) -> int:
    """Answer a question about recorded runs, or about a table of scores."""
    from benchmark.answer.asked import answer

    if options.study == "-":
        options.study, options.input = None, [*(options.input or ()), _standard_input()]
    return answer(options)


def _standard_input() -> Path:
    """What is piped into the command, as a file that may be looked into more than once."""
    from benchmark.store.scratch import scratch

    kept = scratch("bench-stdin-") / "standard input"
    kept.write_bytes(sys.stdin.buffer.read())
    return kept
