"""From a table of scores, and how they are to be analysed, to what `stats` says about them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmark.errors import BenchmarkError

if TYPE_CHECKING:
    import pandas as pd

    from stats.many_arms.ranked_arms import Ranking
    from stats.many_tasks.pooled import Pooled
    from stats.report import Result
    from stats.verdicts.analyse import Analysis
    from stats.verdicts.collapse_table import Collapses

#: What each function of `stats` wants to know of how scores are to be analysed.
_ALWAYS = ("study", "metric", "split", "lower_is_better")
_PAIRS = (*_ALWAYS, "margin", "paired")
_TESTED = (*_PAIRS, "alpha", "correction", "family", "zeros", "equivalence", "test", "effect")
_OF_RUNS = ("resolution", "interaction_scale", "test_examples")


def verdicts(
    table: "pd.DataFrame", baseline: str, candidates: Sequence[str], how: Mapping[str, Any]
) -> "list[Analysis | Pooled]":
    """The verdict on each task and, where tasks are pooled, the one over all of them before it.

    Args:
        table: scores.
        baseline: the arm that candidates are compared with.
        candidates: the other arms.
        how: by the names of the arguments of `stats.analyse`, with `paired` and `tasks`, and
            with `scale` and `common_margin`, that of the scale, where tasks are brought to one.
    """
    from stats import analyse, pooled

    of_runs = _only(_of_kind(how, how["paired"]), *_TESTED, *_OF_RUNS)
    analysis = analyse(table, baseline, candidates, **of_runs)
    if not how["tasks"]:
        return [analysis]
    of_averages = _only(_of_kind(how, paired=True), *_TESTED, "scale") | _common_margin(how)
    over_all = pooled(table, baseline, candidates, how["tasks"], **of_averages)
    return [_saying_what_it_left_out(over_all, how, of_averages), analysis]


def _saying_what_it_left_out(
    over_all: "Pooled", how: Mapping[str, Any], taken: Mapping[str, Any]
) -> "Pooled":
    left = [
        f"{name} {how[name]}" for name in ("test", "effect") if name in how and name not in taken
    ]
    if not left:
        return over_all
    note = (
        f"{' and '.join(left)}: of the runs on each task, which are not paired; averages over a "
        "task's runs are paired by the task"
    )
    return replace(over_all, warnings=(*over_all.warnings, note))


def probabilities(
    table: "pd.DataFrame", baseline: str, candidates: Sequence[str], how: Mapping[str, Any]
) -> "list[Result]":
    """The Bayesian signed-rank test of every candidate; arguments as for `verdicts`."""
    from stats import posteriors

    wanted = _only(how, *_PAIRS, "tasks", "resolution", "scale") | _common_margin(how)
    return [posteriors(table, baseline, candidates, **wanted)]


def collapses(
    table: "pd.DataFrame",
    baseline: str,
    candidates: Sequence[str],
    how: Mapping[str, Any],
    below: float | None,
) -> "list[Collapses]":
    """How often every candidate collapses, and how the others differ; the rest as for `verdicts`.

    Args:
        below: the score that a collapsed run is no better than; None takes the rule.
    """
    from stats import collapses as found

    of_pairs = _only(how, *_TESTED, "resolution")
    of_pairs.pop("paired", None)  # no other scores are asked this
    return [found(table, baseline, candidates, below=below, **of_pairs)]


def rankings(
    table: "pd.DataFrame", methods: Sequence[str] | None, how: Mapping[str, Any]
) -> "list[Ranking]":
    """A ranking of these methods, or all, for each model and init, by the test of `how`.

    Raises:
        BenchmarkError: several tasks, and nothing says what a block is.
    """
    from stats import UnknownName, validate_scores
    from stats.many_arms.ranked_arms import post_hocs

    table = validate_scores(table)
    tasks = table["task"].unique().tolist()
    pooling = how["tasks"]
    if len(tasks) > 1 and pooling is None:
        raise BenchmarkError(
            f"--rank over {len(tasks)} tasks needs --tasks: fixed, if the claim is about these "
            "tasks (blocks are seeds, averaged over tasks), or sampled, if it is about tasks "
            "like them (blocks are tasks)."
        )
    steps = how.get("resolution")
    step = steps.get(tasks[0]) if isinstance(steps, Mapping) else steps
    settings = _only(how, *_ALWAYS, "scale", "paired", "alpha", "correction", "zeros")
    settings |= {"post_hoc": how["test"]} if how.get("test") in post_hocs() else {}
    settings |= {"blocks": {None: "seed", "fixed": "average", "sampled": "task"}[pooling]}
    settings |= {"resolution": None if pooling else step}
    known = table["method"].unique().tolist()
    for name in methods or ():
        if name not in known:
            raise UnknownName("method", name, known)
    return list(_each_ranking(table, methods or known, settings))


def _each_ranking(
    table: "pd.DataFrame", names: Sequence[str], settings: dict[str, Any]
) -> "Iterator[Ranking]":
    from stats import NotEnoughPairs, rank

    ranked = 0
    for _, part in table.groupby(["model", "init"], sort=False):
        present = set(part["method"])
        methods = [name for name in names if name in present]
        if len(methods) > 1:
            ranked += 1
            yield rank(part, methods, **settings)
    if not ranked:
        raise NotEnoughPairs("no model and init has runs of two of these methods")


def only_candidates(results: "Sequence[Result]", asked: Sequence[str], note: str) -> "list[Result]":
    """The verdicts on some candidates, with a note on those that were left out.

    A family must not shrink because a table shows less of it: looking at one candidate of four
    would otherwise halve its p-value and more.
    """
    from stats.many_tasks.pooled import Pooled
    from stats.verdicts.analyse import Analysis

    shown: list[Result] = []
    for result in results:
        assert isinstance(result, Analysis | Pooled)
        rows = tuple(each for each in result.comparisons if each.candidate in asked)
        less = replace(result, comparisons=rows, warnings=(*result.warnings, note))
        if isinstance(less, Analysis):
            kept = tuple(each for each in less.interactions if each.candidate in asked)
            less = replace(less, interactions=kept)
        shown.append(less)
    return shown


def _common_margin(how: Mapping[str, Any]) -> dict[str, Any]:
    """The margin on the common scale; the declared one is in points of the metric."""
    return {"margin": how.get("common_margin")} if how.get("scale") else {}


def _only(how: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: how[name] for name in names if name in how}


def _of_kind(how: Mapping[str, Any], paired: bool) -> dict[str, Any]:
    """The settings without a test or effect size of the other kind of data.

    Unpaired runs of sampled tasks make both kinds of table: of runs, and of paired averages.
    """
    from stats.register import PAIRED_TESTS, UNPAIRED_TESTS
    from stats.settings import PAIRED_EFFECTS, UNPAIRED_EFFECTS

    fitting = {
        "test": PAIRED_TESTS if paired else UNPAIRED_TESTS,
        "effect": PAIRED_EFFECTS if paired else UNPAIRED_EFFECTS,
    }
    return {
        name: value for name, value in how.items() if name not in fitting or value in fitting[name]
    }
