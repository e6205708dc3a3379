"""Which options of `bench stats` go together; contradictions are refused before any work."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from benchmark.errors import BenchmarkError

#: What an answer has no use for, by the option that asks the question.
USELESS = {
    "rank": ("each", "effect", "margin", "equivalence", "family", "interaction_scale"),
    "bayes": (
        *("each", "test", "effect", "alpha", "correction"),
        *("equivalence", "family", "zeros", "interaction_scale"),
    ),
    "collapse": ("tasks", "each", "scale", "interaction_scale"),
}


def check_question(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        BenchmarkError: with the options that do not go together, and what would.
    """
    _check_source(options)
    for question, useless in USELESS.items():
        given = [
            f"--{name.replace('_', '-')}"
            for name in useless
            if getattr(options, name) not in (None, False)
        ]
        if getattr(options, question) and given:
            raise BenchmarkError(f"--{question} has no use for {' or '.join(given)}.")
    if options.below is not None and not options.collapse:
        raise BenchmarkError("--below says which runs have collapsed: it goes with --collapse.")
    _check_against(options)
    _check_alone(options)
    _check_compare(options)
    _check_folds(options)
    if options.unpaired:
        _check_unpaired(options)
    if options.correction == "shaffer" and not options.rank:
        raise BenchmarkError(
            "--correction shaffer is for all pairs of several arms: it goes with --rank. "
            "Comparisons with one baseline take holm."
        )
    _check_test(options)
    _check_effect(options)


def _check_source(options: argparse.Namespace) -> None:
    own = options.input or options.mlflow
    if options.input and options.mlflow:
        raise BenchmarkError("give either --input or --mlflow, not both.")
    if own and options.study:
        other = "--input" if options.input else "--mlflow"
        raise BenchmarkError(f"give either STUDY or {other}, not both.")
    if options.input and options.store:
        raise BenchmarkError("--store names a record and --input a file: give one of them.")
    for name in ("columns", "wide", "cluster"):
        if getattr(options, name) and not (options.input if name == "cluster" else own):
            raise BenchmarkError(
                f"--{name} says what is in files of your own: it goes with --input"
                + ("." if name == "cluster" else ", or with --mlflow.")
            )
    if options.probes and own:
        raise BenchmarkError(
            "--probes are those of a study in the record: leave out --input and --mlflow."
        )
    if options.unpaired and not own:
        raise BenchmarkError(
            "--unpaired is for scores of your own (--input, --mlflow): the runs of a study are "
            "paired by seed."
        )


def _check_folds(options: argparse.Namespace) -> None:
    if options.folds is None:
        if options.split_sizes:
            raise BenchmarkError(
                "--split-sizes is how many examples folds train and test on: it goes with --folds."
            )
        return
    if not options.input:
        raise BenchmarkError(
            "--folds says what scores of your own are: it goes with --input. The runs of a study "
            "are seeds."
        )
    if options.unpaired:
        raise BenchmarkError(
            "--folds are pairs, whose arms train and test on the same examples: leave out "
            "--unpaired."
        )
    names = (
        *("test", "effect", "equivalence", "zeros", "interaction_scale", "tasks", "each", "scale"),
        *("rank", "bayes", "collapse"),
    )
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(options, name)]
    if given:
        raise BenchmarkError(
            f"--folds does not go with {' or '.join(given)}, which takes scores for independent: "
            "folds share training examples, which the corrected resampled t test allows for; it "
            "judges each task alone."
        )


def _check_alone(options: argparse.Namespace) -> None:
    for name in ("examples", "items"):
        if getattr(options, name) is None:
            continue
        if not options.input:
            raise BenchmarkError(f"--{name} is of scores of your own: it goes with --input.")
        others = [n for n in ("compare", "against", "rank", "folds") if getattr(options, n)]
        if others:
            raise BenchmarkError(
                f"--{name} gives one arm an interval, and does not go with --{others[0]}."
            )


def _check_against(options: argparse.Namespace) -> None:
    if options.against is None:
        return
    names = (
        *("test", "effect", "equivalence", "zeros", "interaction_scale", "resolution", "unpaired"),
        *("tasks", "each", "scale", "rank", "bayes", "collapse", "probes", "folds"),
    )
    given = [
        f"--{name.replace('_', '-')}"
        for name in names
        if getattr(options, name) not in (None, False)
    ]
    if given:
        raise BenchmarkError(
            f"--against does not go with {' or '.join(given)}: of a printed score its mean and "
            "spread are known alone, by which Welch's t test compares independent runs."
        )


def _check_compare(options: argparse.Namespace) -> None:
    if options.against is not None:
        return
    if options.rank and options.compare and len(options.compare) < 2:
        raise BenchmarkError("--compare needs at least two arms where all pairs are compared.")


def others(arms: Iterable[str], baseline: str) -> list[str]:
    """All arms but one, as candidates where none is named.

    Raises:
        BenchmarkError: there is no other.
    """
    found = [each for each in dict.fromkeys(arms) if each != baseline]
    if not found:
        raise BenchmarkError(f'--compare {baseline}: there is no arm beside "{baseline}".')
    return found


def needs_arms(options: argparse.Namespace) -> BenchmarkError:
    """What to say where scores of several arms are there, and nothing says which to compare."""
    own = "--input" if options.input else "--mlflow"
    return BenchmarkError(
        f"{own} needs --compare BASELINE CANDIDATE to say which methods to compare."
    )


def _check_unpaired(options: argparse.Namespace) -> None:
    if options.tasks == "fixed":
        raise BenchmarkError(
            "--tasks fixed is tested over seeds, which --unpaired arms do not share; "
            "--tasks sampled is tested over tasks."
        )
    if options.collapse:
        raise BenchmarkError(
            "--collapse compares both arms on the seeds that they share, and --unpaired says that "
            "they share none."
        )
    if options.tasks is None and (options.rank or options.bayes):
        question = "--rank" if options.rank else "--bayes"
        raise BenchmarkError(
            f"{question} needs what its arms share, and --unpaired says that this is not their "
            "seeds; --tasks sampled takes tasks instead."
        )


def _check_test(options: argparse.Namespace) -> None:
    from stats.many_arms.ranked_arms import post_hocs
    from stats.register import PAIRED_TESTS, UNPAIRED_TESTS

    if options.test is None:
        return
    if options.rank:
        if options.test not in post_hocs():
            raise BenchmarkError(
                f"--rank tests its pairs by {', '.join(post_hocs())}, not by {options.test}."
            )
        if options.test not in PAIRED_TESTS and options.correction:
            raise BenchmarkError(
                f"--test {options.test} holds the error of all pairs by itself: it has no use for "
                "--correction."
            )
        return
    _check_kind("test", options, PAIRED_TESTS, UNPAIRED_TESTS)


def _check_effect(options: argparse.Namespace) -> None:
    from stats.register import PAIRED_EFFECTS, UNPAIRED_EFFECTS

    if options.effect is not None:
        _check_kind("effect", options, PAIRED_EFFECTS, UNPAIRED_EFFECTS)


def _check_kind(
    option: str, options: argparse.Namespace, paired: Sequence[str], unpaired: Sequence[str]
) -> None:
    value = getattr(options, option)
    if value not in (*paired, *unpaired):
        raise BenchmarkError(
            f"--{option} {value} is unknown; for paired scores take one of {', '.join(paired)}, "
            f"for unpaired ones {', '.join(unpaired)}."
        )
    if options.unpaired and value not in unpaired and not options.tasks:
        raise BenchmarkError(
            f"--{option} {value} is for paired scores, and --unpaired says that these are not; "
            f"take one of {', '.join(unpaired)}, or leave --unpaired out."
        )
    if not options.unpaired and value not in paired:
        own = options.input or options.mlflow
        out = "add --unpaired, if their seeds mean nothing" if own else ""
        pairs = "these" if own else "the runs of a study"
        raise BenchmarkError(
            f"--{option} {value} is for unpaired scores, and {pairs} are paired by seed; "
            f"take one of {', '.join(paired)}" + (f", or {out}." if out else ".")
        )
