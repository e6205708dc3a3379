"""Every public function says what is wrong with its input, and where, or has a defined answer."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

import stats
from stats import Judging, StatsError, sequential_plan
from stats.changes.swept_arms import SweptArms
from stats.verdicts.verdict import Verdict

pytestmark = pytest.mark.filterwarnings("error")

NAN, INF = math.nan, math.inf

D = [0.4, -0.1, 0.9, 0.3, 0.7, 0.2, 0.5, 0.6]
A = [60.1, 61.2, 59.8, 60.5, 60.9, 61.0, 60.2, 60.7]
B = [score + gain for score, gain in zip(A, D, strict=True)]
TABLE = np.random.default_rng(0).normal(60, 1, (6, 4)).tolist()
RIGHT, WRONG = [0, 1] * 10, [0, 1] * 8 + [1, 1] * 2
P = [0.01, 0.2, 0.3]


def tidy(**columns: Any) -> pd.DataFrame:
    random = np.random.default_rng(1)
    places = [(m, t, s) for m in "abc" for t in "xyz" for s in range(6)]
    frame = pd.DataFrame(places, columns=["method", "task", "seed"])
    return frame.assign(score=(60 + random.normal(size=len(frame))).round(1)).assign(**columns)


FRAME = tidy()
CURVE = SweptArms(name="b", parameter="dose", arms=("b", "c"), values=(1.0, 2.0))

PRINTED = pd.DataFrame(
    [("base", "rte", "68.66", "1.28", "5"), ("kd", "rte", "69.24", "1.20", "5")],
    columns=["method", "task", "mean", "sd", "n"],
)


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> float:
    return float((labels == predictions).mean())


ARMS = {"baseline": A, "candidate": B}
PAIRED = {"differences": D}
RANGE = {"confidence": 0.9}
DRAWN = {"seed": 1}
COMPARED = {"scores": FRAME, "baseline": "a", "candidates": ["b"]}
LEVEL = {"alpha": 0.05}
TESTED = {**LEVEL, "margin": 0.5, "zeros": "pratt"}
POWER = {**LEVEL, "power": 0.8}
FAMILY = {"family": 3, "correction": "holm"}
NORMAL = {"n_pairs": 8, "sd": 0.6, "margin": 0.5}

CALLS: dict[str, dict[str, Any]] = {
    "a12": {**ARMS, **RANGE},
    "adjust": {"p_values": P, "correction": "holm"},
    "adjust_claims": {"p_values": P, "p_equivalence": P, "correction": "holm"},
    "adjust_all_pairs": {"p_values": P, "n_arms": 3, "correction": "shaffer"},
    "aggregate": {"scores": FRAME, "methods": ["a", "b"], "baseline": "a", "statistics": ["iqm"]}
    | {"target": 61.0, "replicates": 50, **LEVEL, **DRAWN},
    "almost_stochastic_order": {"arms": [A, B], "paired": True, "replicates": 20, **RANGE, **DRAWN},
    "analyse": {**COMPARED, **TESTED, "correction": "holm", "family": "study", "test": "t"}
    | {"effect": "d_z", "equivalence": "t", "resolution": 0.01, "test_examples": 100.0},
    "analyse_against": {"scores": tidy(task="x", seed=range(54)), "printed": "60 ± 1, n=5"},
    "analyse_arm": {"scores": tidy().query("method == 'a' and seed == 0"), "examples": 100},
    "analyse_folds": {**COMPARED, "split_sizes": (90, 10)},
    "attainable_p_values": {"n_pairs": 8},
    "audit_tables": {"tables": PRINTED, "margin": 0.5, "paired_correlation": 0.5, "spread": "se"},
    "average_is_possible": {"average": "80.1", "columns": ["75.2", "85.1"]},
    "bayesian_signed_rank": {**PAIRED, "rope": 0.1, "prior_strength": 0.5, "samples": 9, **DRAWN},
    "bayesian_signed_rank_pairs": {"scores": TABLE, "rope": 0.1, "prior_strength": 0.5}
    | {"samples": 9, **DRAWN},
    "better_power": {**NORMAL, "gain": 1.0, "level": 0.05, "test": "wilcoxon"},
    "bootstrap_interval": {**PAIRED, **RANGE, "method": "percentile", "resamples": 99, **DRAWN},
    "bootstrap_items": {"labels": RIGHT, "baseline_predictions": WRONG, "metric": accuracy}
    | {"candidate_predictions": RIGHT, "replicates": 20, **RANGE, **DRAWN},
    "calibration": {"logits": TABLE, "labels": [0, 1, 2, 3, 0, 1], "bins": 10},
    "cliffs_delta": {**ARMS, **RANGE},
    "collapse": {"baseline_scores": A, "candidate_scores": B, **LEVEL, "margin": 0.5}
    | {"below": 50.0},
    "analyse_collapse": {**COMPARED, **TESTED, "correction": "holm", "family": "study", "test": "t"}
    | {"effect": "d_z", "equivalence": "t", "below": 50.0},
    "compare": {"baseline_scores": A, "candidate_scores": B, **TESTED, "test": "t"}
    | {"resolution": 0.1, "effect": "d_z", "equivalence": "ranks"},
    "compare_printed": {"baseline": ("80.1", "0.8"), "candidate": ("81.0", "0.9"), "n": 5}
    | {"margin": 0.5, "ddof": 1},
    "conover": {"scores": TABLE, **LEVEL, "resolution": 0.1},
    "correlated_t": {**PAIRED, **RANGE, "test_fraction": 0.1, "rope": 0.1},
    "d_av": {**ARMS, **RANGE},
    "d_z": PAIRED,
    "d_z_interval": {**PAIRED, **RANGE},
    "decide": {"p_adjusted": 0.01, "p_equivalence": 0.2, "difference": 1.0, **LEVEL},
    "detectable_effect": {"test": "t", "n_pairs": 8, **POWER},
    "expected_best": {"scores": A},
    "fixed_sequence": {"p_values": P, **LEVEL},
    "friedman": {"scores": TABLE, "resolution": 0.1},
    "gain_of_choice": {"settings": 20},
    "grim": {"mean": "70.04", "n": 277, "unit": 100.0},
    "grimmer": {"mean": "90.00", "sd": "2.42", "n": 5, "examples": 200, "unit": 100.0},
    "hedges_g": {**ARMS, **RANGE},
    "hedges_g_z": PAIRED,
    "hedges_g_z_interval": {**PAIRED, **RANGE},
    "hodges_lehmann": {**PAIRED, **RANGE, "zeros": "keep"},
    "hodges_lehmann_shift": {**ARMS, **RANGE},
    "interaction": {"first": (A, B), "second": (B, A), **LEVEL, "resolution": 0.1, "test": "t"}
    | {"zeros": "pratt", "scale": "log_odds", "test_examples": 100.0},
    "interquartile_mean": {"scores": TABLE},
    "mann_whitney": ARMS,
    "mcnemar": {"baseline_correct": RIGHT, "candidate_correct": WRONG, **RANGE},
    "mixed_effects": {**COMPARED, **LEVEL},
    "nemenyi": {"scores": TABLE, **LEVEL, "resolution": 0.1},
    "noether_sample_size": {"superiority": 0.7, **POWER},
    "non_inferiority": {**PAIRED, **LEVEL, "margin": 0.5, "test": "ranks"},
    "optimality_gap": {"scores": TABLE, "target": 61.0},
    "pair_correlation": ARMS,
    "paired_t_power": {"effect": 0.5, "n_pairs": 8, **LEVEL},
    "pairs_for_paired_t": {"effect": 0.5, **POWER},
    "pairs_for_signed_rank": {"effect": 0.5, **FAMILY, **POWER},
    "pairs_for_tost": {"sd": 0.6, "margin": 0.5, "difference": 0.1, **POWER},
    "profile_at": {"scores": TABLE, "thresholds": [60.0, 61.0]},
    "performance_profiles": {"scores": FRAME, "methods": ["a", "b"], "thresholds": [60.0, 61.0]}
    | {"replicates": 50, **LEVEL, **DRAWN},
    "permutation_test": {**PAIRED, "resamples": 9, **DRAWN},
    "plan_comparisons": {**COMPARED, "n_pairs": 8, "margin": 0.5, "tasks": "fixed"},
    "plan_unpaired": {"n_scores": 50, "sd": 0.6, "margin": 0.5, **LEVEL, **FAMILY, "gain": 1.0}
    | {"test": "welch"},
    "plan_power": {**NORMAL, **LEVEL, **FAMILY, "gain": 1.0, "test": "t"},
    "pooled": {**COMPARED, **TESTED, "tasks": "fixed", "correction": "holm", "family": "study"},
    "posteriors": {**COMPARED, "tasks": "fixed", "margin": 0.5, "samples": 9, **DRAWN},
    "power_of": {"test": "t", "effect": 0.5, "n_pairs": 8, **LEVEL},
    "probability_of_improvement": {"candidate": TABLE, "baseline": TABLE},
    "rank": {"scores": FRAME, "methods": ["a", "b"], "blocks": "seed", "post_hoc": "wilcoxon"}
    | {"correction": "holm", **LEVEL, "resolution": 0.1, "zeros": "pratt"},
    "rank_biserial": PAIRED,
    "rank_biserial_interval": {**PAIRED, **RANGE},
    "rank_equivalence": {**PAIRED, **LEVEL, "margin": 0.5, "zeros": "pratt"},
    "sd_of_average_is_possible": {"sd": "0.9", "columns": ["0.8", "1.1"]},
    "seeds_and_items": {"differences": TABLE, **RANGE},
    "seeds_for_test": {"effect": 0.5, **FAMILY, **POWER, "test": "t"},
    "seeds_needed_for_alpha": {**LEVEL, **FAMILY, "test": "t"},
    "sequential_look": {**PAIRED, "plan": sequential_plan([4, 8])},
    "sequential_plan": {"looks": [4, 8], "shape": "pocock", **LEVEL},
    "sign_e_value": PAIRED,
    "sign_test": PAIRED,
    "share": {"count": 3, "total": 8, **RANGE},
    "signed_rank": {**PAIRED, "zeros": "pratt"},
    "simulated_seeds": {"test": "t", "effect": 0.5, **POWER},
    "smallest_attainable_p": {"n_pairs": 8, **FAMILY, "test": "t"},
    "standardised_from_summary": {"means": (1, 2), "sds": (1, 2), "ns": (8, 8)},
    "stratified_bootstrap": {"scores": [TABLE], "statistic": "iqm", "replicates": 9, **DRAWN}
    | {"target": 61.0},
    "superiority": {**PAIRED, **RANGE},
    "sweep": {"differences": TABLE, "values": [0.0, 1.0, 3.0, 9.0], **TESTED, "equivalence": "t"}
    | {"resolution": 0.1},
    "analyse_sweeps": {**COMPARED, **TESTED, "candidates": ["b", "c"], "sweeps": [CURVE]}
    | {"equivalence": "t", "resolution": 0.1},
    "t_e_process": {**PAIRED, **RANGE, "prior_sd": 1.0},
    "t_interval": {**PAIRED, **RANGE},
    "tost": {**PAIRED, "margin": 0.5},
    "tost_from_summary": {"mean": 0.1, "sd": 0.5, "n_pairs": 8, "margin": 0.5},
    "tost_power": {**NORMAL, **LEVEL, "difference": 0.1},
    "tost_welch_from_summary": {"mean_difference": 0.1, "sds": (1, 2), "ns": (8, 8), "margin": 0.5},
    "trend": {"differences": TABLE, "doses": [0.0, 1.0, 3.0, 9.0], "scale": "log1p"}
    | {**LEVEL, "test": "t", "zeros": "pratt"},
    "analyse_trends": {**COMPARED, **LEVEL, "doses": {"x": 0, "y": 1}, "dose_scale": "order"}
    | {"correction": "holm", "zeros": "pratt", "test": "t"},
    "unpaired_power": {"test": "welch", "effect": 0.5, "n_scores": 8, **LEVEL},
    "unpaired_seeds": {"test": "welch", "effect": 1.0, **POWER},
    "unpaired_permutation_test": {**ARMS, "resamples": 9, **DRAWN},
    "validate_scores": {"frame": FRAME},
    "wilson": {"share": 0.3, "n": 8, **RANGE},
    "welch": {**ARMS, **RANGE},
}

ELSEWHERE = {"settle", "is_lower_better", "read_scores", "read_printed_tables", "collapsed"}
"""Tested below, in test_collapse.py, in test_score_tables.py and in test_printed_table_input.py."""

NO_NUMBERS = [NAN, "1", None]
NO_ROWS = [3.0, None, "text", [NAN], [[1, 2], [3, 4]], [[1], [2, 3]]]
NO_TABLES = [3.0, None, "text", [], [[]], [1, 2, 3], [[1, 2], [3]], [[[[1]]]]]
NO_FRAMES = [None, [1, 2], {"a": 1}, FRAME.iloc[:0], FRAME.drop(columns="score")]
DOUBLED = [FRAME.drop(columns="task"), pd.concat([FRAME, FRAME])]
BAD_COLUMNS = [("score", INF), ("score", "x"), ("score", 1e300), ("seed", NAN), ("method", NAN)]
FRACTIONS = ("confidence", "alpha", "power", "level", "superiority", "test_fraction")
BAD_CURVES: list[dict[str, Any]] = [
    *({"values": each} for each in ((1.0,), (1.0, 1.0), (1.0, NAN), ("a", "b"))),
    *({"arms": each} for each in (("b",), ("b", "zzz"), ("a", "b"))),
]
SIGNED = ("below", "difference", "target", "mean", "mean_difference", "effect")
REFUSED: dict[str, list[Any]] = {
    "fraction": [*NO_NUMBERS, 0, 1, -0.1, 1.5, INF, [0.5]],
    "positive": [*NO_NUMBERS, 0, -1, INF],
    "signed": NO_NUMBERS,
    "probability": ["1", None, -0.1, 1.5, INF],
    "rope": [*NO_NUMBERS, -1, INF],
    "count": [*NO_NUMBERS, -1, 1.5],
    "name": ["nonsense", 3, ["a"]],
    "names": ["a", 3, [1], ["zzz"], ["b", "b"]],
    "vector": [*NO_ROWS, *([each, 1] for each in (NAN, INF, 1e300, "a", "1", 2j))],
    "table": [*NO_TABLES, *([[each, 1], [2, 3]] for each in (NAN, INF, 1e300, "a", "1", 2j))],
    "cube": [*NO_TABLES, *([[[each, 1], [2, 3]]] for each in (NAN, INF, 1e300, "a", "1", 2j))],
    "p_values": [["a", 0.1, 0.2], 0.5, None, [P], [1.5, 0.1, 0.2], [-0.1, 0.1, 0.2]],
    "items": [[], [1], 3, None],
    "curves": [None, 3, "b", ["b"], *([dataclasses.replace(CURVE, **each)] for each in BAD_CURVES)],
    "looks": [[], [1], [5, 5], [8, 4], [4.5, 8], ["4"], None, 3, [NAN, 8], [-1, 5]],
    "printed": [("x", "1"), ("1",), ("1", "2", "3"), None, 3, ("nan", "1"), ("1", "-2")],
    "two": [(NAN, 1), ("1", 2), (1,), (1, 2, 3), None, 3],
    "arms": [(A,), None, 3, ([], []), ([NAN] * 8, A), (["1"] * 8, A)],
    "frame": [*NO_FRAMES, *DOUBLED, *(tidy(**{name: bad}) for name, bad in BAD_COLUMNS)],
}
"""By kind of argument, what is refused wherever it is given."""

MAY_BE_ANSWERED: dict[str, list[Any]] = {
    "fraction": [1e-9, 0.9999],
    "positive": [1e-9, 1e9],
    "signed": [0, -5.0],
    "probability": [NAN, 0, 1],
    "rope": [0, 1e9],
    "count": [0, 1, 2],
    "vector": [[], [1.0], [2, 2, 2], [0] * 8, [0.3] * 8, [1e60, -3e60, 2e60]],
    "table": [[[1, 1], [1, 1]], [[0, 0], [0, 0]], [[1, 2], [1, 2]], [[1], [2]], [[1, 2]]],
    "p_values": [[NAN, 0.1, 0.2], [NAN] * 3, [0, 1, 1], []],
    "items": [[0] * 20, [1] * 20],
    "arms": [([50.0] * 8, [50.0] * 8), ([0.0] * 8, A), ([1.0], [2.0])],
    "two": [(1, 1), (0, 0), (0, 1)],
    "frame": [
        *(tidy(score=score) for score in (NAN, 1.0, 0.0)),
        *(FRAME.query(rows) for rows in ("method == 'a'", "seed == 0", "task == 'x'")),
        *(FRAME.query(f"method != 'b' or {rows}") for rows in ("task != 'x'", "seed == 0")),
        FRAME.query("(method == 'b') == (seed < 3)"),
    ],
}
"""Extremes: a typed error, or an answer whose p-values are probabilities and whose verdicts are
verdicts."""

ALLOWED = {
    ("tost_from_summary", "sd"): [0],
    ("decide", "difference"): [NAN],
    ("wilson", "share"): [0],
    ("audit_tables", "paired_correlation"): [0, -1],
}
"""What one function takes, although others do not; None is allowed where it is the default."""


def kind_of(name: str, value: Any) -> str:
    named = {"p_values": "p_values", "looks": "looks", "rope": "rope"}
    named |= dict.fromkeys(("p_adjusted", "p_equivalence"), "probability")
    named |= dict.fromkeys(FRACTIONS, "fraction") | dict.fromkeys(SIGNED, "signed")
    if name in named and not isinstance(value, str):
        return named[name]
    if isinstance(value, (tuple, list)):
        first = value[0]
        if isinstance(value, tuple):
            if isinstance(first, str):
                return "printed"
            return "arms" if isinstance(first, list) else "two"
        if isinstance(first, list):
            return "cube" if isinstance(first[0], list) else "table"
        return {str: "names", int: "items", float: "vector", SweptArms: "curves"}[type(first)]
    kinds = {pd.DataFrame: "frame", str: "name", int: "count", float: "positive"}
    return kinds.get(type(value), "")


ARGUMENTS = [
    (name, argument, kind)
    for name, valid in CALLS.items()
    for argument, value in valid.items()
    if (kind := kind_of(argument, value))
]


def rooms() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(stats.__path__, "stats."):
        if not re.search(r"__main__|report|simulation", found.name):
            yield importlib.import_module(found.name)


FUNCTIONS = {
    name: function
    for room in rooms()
    for name, function in vars(room).items()
    if inspect.isfunction(function) and function.__module__ == room.__name__
}


def test_no_function_of_the_front_door_is_left_out():
    functions = {name for name in stats.__all__ if inspect.isfunction(getattr(stats, name))}
    assert functions <= set(CALLS) | ELSEWHERE
    assert set(CALLS) | ELSEWHERE <= set(FUNCTIONS)


@pytest.mark.parametrize("name", CALLS)
def test_the_valid_call_is_valid(name: str):
    call(name)


def call(name: str, **others: Any) -> Any:
    """The valid call with other arguments; how scores are judged is one of them."""
    function, arguments = FUNCTIONS[name], CALLS[name] | others
    taken = inspect.signature(function).parameters
    if "judging" in taken:
        judged = {each: value for each, value in arguments.items() if each not in taken}
        others = {each: value for each, value in arguments.items() if each in taken}
        return function(**others, judging=Judging(**judged))
    return function(**arguments)


def default_of(name: str, argument: str) -> Any:
    """Of an argument, or of a field of the object that says how scores are judged."""
    taken = inspect.signature(FUNCTIONS[name]).parameters
    return (taken if argument in taken else inspect.signature(Judging).parameters)[argument].default


@pytest.mark.parametrize(("name", "argument", "kind"), ARGUMENTS)
def test_bad_input_is_refused_in_one_line(name: str, argument: str, kind: str):
    default = default_of(name, argument)
    allowed = [*ALLOWED.get((name, argument), []), *([None] if default is None else [])]
    for bad in REFUSED[kind]:
        if not any(bad is each for each in allowed):
            with pytest.raises(StatsError) as caught:
                call(name, **{argument: bad})
            assert str(caught.value)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "argument", "kind"), ARGUMENTS)
def test_extremes_are_refused_or_have_an_answer(name: str, argument: str, kind: str):
    for extreme in MAY_BE_ANSWERED.get(kind, []):
        try:
            answer = call(name, **{argument: extreme})
        except StatsError:
            continue
        for field, value in fields_of(answer):
            if field.startswith("p_"):
                assert math.isnan(value) or 0 <= value <= 1
            if field == "verdict":
                assert value in get_args(Verdict)


def fields_of(answer: Any) -> Iterator[tuple[str, Any]]:
    """Every named number and word in a result, however deep."""
    if dataclasses.is_dataclass(answer):
        for field in dataclasses.fields(answer):
            value = getattr(answer, field.name)
            if isinstance(value, (float, str)):
                yield field.name, value
            else:
                yield from fields_of(value)
    elif isinstance(answer, Mapping):
        for value in answer.values():
            yield from fields_of(value)
    elif isinstance(answer, tuple):
        for value in answer:
            yield from fields_of(value)


@pytest.mark.parametrize("resolution", [0, -1, INF])
def test_a_resolution_is_positive(resolution: float):
    with pytest.raises(StatsError, match="resolution must be a positive number"):
        stats.ties.settle(D, resolution=resolution)
    with pytest.raises(StatsError, match="differences must be numbers"):
        stats.ties.settle(["a"])


def test_the_name_of_a_metric_is_a_name():
    with pytest.raises(StatsError, match="metric must be a name, not 3"):
        stats.table.direction.is_lower_better(3)


@pytest.mark.parametrize("paired", ["no", 1, None])
def test_paired_is_yes_or_no_and_nothing_that_looks_like_it(paired: object):
    with pytest.raises(stats.InvalidSetting, match="paired must be True or False"):
        stats.compare([1.0, 2.0, 4.0], [2.0, 3.0, 4.0], paired=paired)


def test_yes_is_no_margin():
    with pytest.raises(stats.InvalidSetting, match="margin must be a positive number of points"):
        stats.compare([1.0, 2.0, 4.0], [2.0, 3.0, 4.0], margin=True)


@pytest.mark.parametrize("test", ["t", "permutation", "sign", "wilcoxon"])
@pytest.mark.parametrize("score", [0.0, 61.0])
def test_identical_arms_are_never_different(test: str, score: float):
    found = stats.compare([score] * 8, [score] * 8, test=test, margin=0.5)
    assert (found.p_value, found.verdict) == (1, "inconclusive")


@pytest.mark.parametrize(
    "measure", [stats.effects.effect_sizes.d_z, stats.t_interval, stats.signed_rank]
)
def test_masked_entries_are_not_taken_for_numbers(measure: Callable[[Any], Any]):
    with pytest.raises(StatsError, match="position 1 holds nan"):
        measure(np.ma.masked_array([1.0, 99.0, 2.0], mask=[False, True, False]))
