"""Audits of published tables: everything said of the paper's is computed again, another way."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from functools import cache
from itertools import combinations_with_replacement, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from stats import InvalidSetting, ScoresError, audit_tables
from stats.audit import Audit, Finding, read_printed_tables

PAPER = Path(__file__).resolve().parents[3] / "studies" / "paper" / "tables.csv"
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "paper" / "tables.csv"

DEV = {"rte": 277, "sst-2": 872, "qnli": 5463, "mnli": 9815, "qqp": 40430, "sst5": 1101}
TEST = {"sst5": 2210, "cifar100": 10000}

Key = tuple[str, ...]


@cache
def paper() -> tuple[dict[str, str], ...]:
    with open(PAPER, encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


@cache
def found(margin: float | None = None, correlation: float | None = None) -> Audit:
    return audit_tables(read_printed_tables(PAPER), margin=margin, paired_correlation=correlation)


def key(row: dict[str, str]) -> Key:
    return (row["table"], row["split"], row["init"], row["method"], row["task"])


def of_kind(kind: str, audit: Audit | None = None) -> dict[Key, Finding]:
    by_key = {}
    for each in (audit or found()).findings:
        if each.kind == kind:
            _, init, method = each.row.split(" · ")
            by_key[each.table, each.split, init, method, each.column] = each
    return by_key


def bad(findings: dict[Key, Finding]) -> set[Key]:
    return {k for k, each in findings.items() if each.severity in ("impossible", "inconsistent")}


def places(printed: str) -> int:
    return len(printed.split(".")[1])


def half(printed: str) -> Decimal:
    return Decimal(1).scaleb(-places(printed)) / 2


def counts_of(row: dict[str, str]) -> int | None:
    """Whole numbers in a perfect run."""
    if row["step"]:
        return 1000
    if row["metric"] != "accuracy" or not row["mean"]:
        return None
    return (
        6400 if row["task"] == "fewrel" else {"dev": DEV, "test": TEST}[row["split"]][row["task"]]
    )


def prints_so(right: int, of: int, printed: str, *modes: str) -> bool:
    exact = Decimal(100) * right / of
    step = Decimal(1).scaleb(-places(printed))
    return any(exact.quantize(step, rounding=mode) == Decimal(printed) for mode in modes)


def some_count_prints(row: dict[str, str], *modes: str) -> bool:
    perfect = (counts_of(row) or 0) * int(row["n"])
    near = int(Decimal(row["mean"]) / 100 * perfect)
    reach = 2 + perfect // 1000
    return any(
        prints_so(right, perfect, row["mean"], *modes)
        for right in range(near - reach, near + reach)
    )


ROUNDED = (ROUND_HALF_UP, ROUND_HALF_DOWN)


def test_the_tables_of_the_paper_are_all_there():
    if not SHARED.exists():
        pytest.skip("the figures of the paper are not beside the repository")
    with open(SHARED, encoding="utf-8") as file:
        theirs = [(*key(row), row["model"], row["mean"], row["sd"]) for row in csv.DictReader(file)]
    ours = [(*key(row), row["model"], row["mean"], row["sd"]) for row in paper() if row["mean"]]
    assert ours == theirs
    assert len(ours) == 410


def test_averages_that_are_not_those_of_their_columns():
    wrong = set()
    for row in paper():
        if row["metric"] != "mean_of_tasks":
            continue
        columns = [
            each["mean"]
            for each in paper()
            if key(each)[:-1] == key(row)[:-1] and each["task"] != "score"
        ]
        assert len(columns) == 7
        mean = sum(map(Decimal, columns)) / 7
        if abs(mean - Decimal(row["mean"])) > half(row["mean"]) + sum(map(half, columns)) / 7:
            wrong.add(key(row))
        told = of_kind("average")[key(row)].recomputed
        assert told == f"{mean:.{places(row['mean'])}f}"
    assert bad(of_kind("average")) == wrong
    assert len(wrong) == 8


def test_sds_of_averages_obey_the_triangle_inequality():
    checked = of_kind("average_sd")
    for where in checked:
        *arm, _ = where
        rows = [row for row in paper() if key(row)[:-1] == tuple(arm)]
        *sds, average = (Decimal(row["sd"]) for row in rows)
        slack = sum(half(row["sd"]) for row in rows[:-1]) / 7 + half(rows[-1]["sd"])
        possible = (2 * max(sds) - sum(sds)) / 7 - slack <= average <= sum(sds) / 7 + slack
        assert possible == (where not in bad(checked))
    assert len(checked) == 40
    assert not bad(checked)


def test_means_that_no_count_prints():
    wrong = {key(row) for row in paper() if counts_of(row) and not some_count_prints(row, *ROUNDED)}
    assert bad(of_kind("grim")) == wrong
    assert len(wrong) == 9
    assert Counter((table, split, task) for table, split, _, _, task in wrong) == {
        ("2", "dev", "sst-2"): 1,
        ("3", "dev", "rte"): 4,
        ("3", "dev", "sst-2"): 3,
        ("4", "dev", "sst5"): 1,
    }
    assert {found.severity for found in of_kind("grim").values()} == {"inconsistent", "fine"}


def test_what_would_explain_these_means():
    rows = {key(row): row for row in paper()}
    for where in bad(of_kind("grim")):
        told = of_kind("grim")[where].detail
        cut = some_count_prints(rows[where], ROUND_DOWN)
        column = [
            r for r in paper() if (r["table"], r["split"], r["task"]) == (*where[:2], where[4])
        ]
        fifths = all(Decimal(r["mean"]) * 50 % 1 == 0 for r in column if r["n"] == "5")
        assert ("rounded to 1 decimal" in told) == fifths
        assert ("cut off" in told) == (cut and not fifths)
        assert fifths or cut


def possible_sds(row: dict[str, str]) -> dict[int, set[float]]:
    """By ddof: sds, in points, of all 5 counts with the printed mean and about this spread."""
    counts = 1000 if row["table"] == "3" else counts_of(row)  # table 3: rounded runs, see above
    assert counts is not None
    wanted = float(row["sd"]) / 100 * counts
    reach = math.ceil(2 * wanted) + 3
    steps = np.array(list(combinations_with_replacement(range(-reach, reach + 1), 5)))
    middle = round(float(row["mean"]) / 100 * counts)
    totals = 5 * middle + steps.sum(axis=1)
    low, high = float(row["mean"]) - 0.00501, float(row["mean"]) + 0.00501
    fitting = steps[(totals * 20 / counts >= low) & (totals * 20 / counts <= high)]
    return {ddof: set((fitting.std(axis=1, ddof=ddof) * 100 / counts).round(9)) for ddof in (0, 1)}


def prints_sd(sds: set[float], printed: str) -> bool:
    return any(abs(sd - float(printed)) <= 0.005 + 1e-9 for sd in sds)


def test_sds_that_rule_out_a_divisor():
    rows = {key(row): row for row in paper()}
    only_0 = {k for k, f in of_kind("grimmer").items() if f.recomputed == "ddof 0 only"}
    for where in only_0:
        sds = possible_sds(rows[where])
        assert prints_sd(sds[0], rows[where]["sd"])
        assert not prints_sd(sds[1], rows[where]["sd"])
    assert not any(f.recomputed == "ddof 1 only" for f in of_kind("grimmer").values())
    assert (len(only_0), found().ddof) == (18, 0)


def test_an_sd_that_fits_neither_divisor():
    (where,) = bad(of_kind("grimmer"))
    assert where == ("3", "test", "pretrained", "kd", "qqp")
    row = next(row for row in paper() if key(row) == where)
    assert (row["mean"], row["sd"], row["step"]) == ("88.08", "0.14", "0.1")
    sds = possible_sds(row)
    assert not prints_sd(sds[0] | sds[1], "0.14")
    next_ones = [sorted(sd for sd in sds[ddof] if 0.12 < sd < 0.16) for ddof in (0, 1)]
    told = of_kind("grimmer")[where].detail
    for ddof, near in enumerate(next_ones):
        assert f"ddof {ddof}: " + " and ".join(f"{sd:.4f}" for sd in near) in told


@pytest.mark.parametrize(("p", "severity"), [("0.46", "fine"), ("0.94", "inconsistent")])
def test_p_values_that_eight_pairs_can_give(p: str, severity: str):
    signs = np.array(list(product([0, 1], repeat=8)))
    w = signs @ np.arange(1, 9)
    tails = [min(np.mean(w <= each), np.mean(w >= each)) for each in range(37)]
    attained = np.minimum(1, 2 * np.array(tails))
    assert (np.abs(attained - float(p)) <= 0.005).any() == (severity == "fine")
    (told,) = (each for each in found().findings if each.printed == f"p {p}")
    assert (told.kind, told.severity) == ("p_value", severity)
    for quoted in re.findall(r"0\.\d{4}", told.recomputed):
        assert np.abs(attained - float(quoted)).min() < 5e-5
    if severity == "inconsistent":
        assert attained[attained > 0.94].min().round(4) == 0.9453
        assert "0.9453 prints so with digits cut off" in told.detail
        assert "7 pairs, one difference of zero dropped, give 0.9375" in told.detail


def welch_p(arms: np.ndarray, n: np.ndarray) -> np.ndarray:
    """p of rows of (mean, sd, mean, sd) whose sds have the divisor n."""
    scale = np.sqrt(n / (n - 1))
    first, sd, second, other = arms.T
    return scipy_stats.ttest_ind_from_stats(
        first, scale * sd, n, second, scale * other, n, equal_var=False
    ).pvalue


def families() -> list[list[dict[str, str]]]:
    """Baseline and candidates of a task, model and init."""
    rows = [row for row in paper() if row["sd"] and row["method"] != "teacher"]
    by_place: dict[Key, list[dict[str, str]]] = {}
    for row in rows:
        by_place.setdefault((row["table"], row["split"], row["init"], row["task"]), []).append(row)
    return list(by_place.values())


def highest_p(arms: np.ndarray, slack: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The largest p at the corners that rounding allows; 1 where means may be equal."""
    p_values = []
    for signs in product((-1, 1), repeat=4):
        moved = np.maximum(0, arms + np.array(signs) * slack)
        moved[:, [1, 3]] = np.maximum(moved[:, [1, 3]], 1e-12)
        crossed = (moved[:, 0] - moved[:, 2]) * (arms[:, 0] - arms[:, 2]) <= 0
        p_values.append(np.where(crossed, 1.0, welch_p(moved, n)))
    return np.max(p_values, axis=0)


def holm_by_hand(p_values: np.ndarray) -> list[float]:
    """The largest of the smaller ones, each times the number that is not smaller."""
    m = len(p_values)
    ascending = sorted(p_values)
    return [
        min(1.0, max((m - i) * each for i, each in enumerate(ascending) if each <= p))
        for p in p_values
    ]


def test_every_p_value_is_that_of_scipy_after_holm():
    checked = of_kind("difference")
    pairs = [(family[0], row) for family in families() for row in family[1:]]
    assert {key(row) for _, row in pairs} == {*checked}
    assert len(checked) == len(pairs) == 272
    printed = [[b["mean"], b["sd"], c["mean"], c["sd"]] for b, c in pairs]
    arms = np.array(printed, dtype=float)
    slack = np.array([[float(half(each)) for each in row] for row in printed])
    n = np.array([int(row["n"]) for _, row in pairs])
    p_values, highs = welch_p(arms, n), highest_p(arms, slack, n)
    start = 0
    for family in families():
        here = slice(start, start := start + len(family) - 1)
        holm, highest = (holm_by_hand(p[here]) for p in (p_values, highs))
        for row, p, high in zip(family[1:], holm, highest, strict=True):
            told = checked[key(row)]
            quoted = re.search(r"p (<?[.\d]+)", told.recomputed)[1].removesuffix(".")
            assert p < 1e-4 if quoted == "<.0001" else abs(float(quoted) - p) < 6e-3 * p + 6e-5
            assert told.severity == ("fine" if high < 0.05 else "unsupported")


def test_equivalence_and_the_runs_that_it_takes():
    """Table 1, dev, SST-2 of LS: 92.75 ± .41 against 92.43 ± .16, a margin of one point."""
    told = of_kind("difference", found(1.0))["1", "dev", "pretrained", "ls", "sst-2"]
    variances = [0.41**2 / 4, 0.16**2 / 4]  # of the mean: divisor 5 - 1 in place of 5
    df = sum(variances) ** 2 / sum(v**2 / 4 for v in variances)
    p_value = scipy_stats.t.sf((1 - 0.32) / math.sqrt(sum(variances)), df)
    # No comparison of the family is both real and inside the margin, so that four stay open.
    said = f"two one-sided tests against 1, Holm over 4: p {4 * p_value:.3g}".replace("0.", ".")
    assert said in told.detail
    assert 4 * p_value > 0.05 > p_value
    assert (told.severity, told.decision) == ("unsupported", "not decided")
    undecided = of_kind("difference", found(1.0))["1", "dev", "pretrained", "ls", "rte"]
    spread = math.sqrt((0.90**2 + 1.28**2) * 5 / 4)
    (n,) = re.search(r"true difference of 1 takes ([\d,]+) runs an arm", undecided.detail).groups()
    # Welch's t at the strictest step of Holm, by the non-central t.
    df, shift = 2 * int(n) - 2, math.sqrt(int(n)) / spread
    critical = scipy_stats.t.isf(0.05 / 4 / 2, df)
    assert scipy_stats.nct.sf(critical, df, shift) == pytest.approx(0.8, abs=0.03)


def test_a_pair_correlation_replaces_welch():
    told = of_kind("difference", found(None, 0.5))["1", "dev", "pretrained", "kd", "cola"]
    spread = math.sqrt((0.70**2 + 0.67**2 - 0.70 * 0.67) / 4)
    p_value = 2 * scipy_stats.t.sf(1.60 / spread, 4)
    assert (
        f"paired t(4) at a pair correlation of 0.5, ddof 0, n = 5: p {p_value:.3g}".replace(
            "p 0.", "p ."
        )
        in told.detail
    )


TASKS = {"rte": 277, "sst-2": 872}
METHODS = ("base", "ls", "kd")


def clean(tables: int, ddof: int, seed: int, n: int = 5) -> pd.DataFrame:
    """Tables of methods that do not differ, each run an honest count, printed to two decimals."""
    sizes = np.array(list(TASKS.values()))
    right = np.random.default_rng(seed).binomial(sizes, 0.85, (tables, len(METHODS), n, 2))
    scores = 100 * right / sizes
    scores = np.concatenate([scores, scores.mean(axis=3, keepdims=True)], axis=3)
    means, sds = scores.mean(axis=2), scores.std(axis=2, ddof=ddof)
    rows = [
        (str(t), "dev", method, task, metric, f"{means[t, m, i]:.2f}", f"{sds[t, m, i]:.2f}", "5")
        for t in range(tables)
        for m, method in enumerate(METHODS)
        for i, (task, metric) in enumerate(
            [*((task, "accuracy") for task in TASKS), ("score", "mean_of_tasks")]
        )
    ]
    names = ["table", "split", "method", "task", "metric", "mean", "sd", "n"]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.slow
@pytest.mark.parametrize("ddof", [0, 1])
def test_honest_tables_raise_nothing(ddof: int):
    """Exact checks are never wrong in 2 × 1,000 tables; tests err in at most 5 % of families."""
    audit = audit_tables(clean(1_000, ddof, seed=7 + ddof))
    assert {each.severity for each in audit.findings} <= {"fine", "unsupported"}
    assert audit.ddof == ddof
    false = {
        (each.table, each.column)
        for each in audit.findings
        if each.kind == "difference" and each.severity == "fine"
    }
    families = 1_000 * 3
    assert len(false) <= 0.05 * families + 3 * math.sqrt(0.05 * 0.95 * families)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "n", "rate"),
    [
        *(("rte", 1, 0.97), ("rte", 5, 0.86), ("sst-2", 1, 0.91), ("sst-2", 5, 0.56)),
        *(("qnli", 1, 0.45), ("qnli", 5, 0.0)),
    ],
)
def test_wrong_means_are_caught_as_often_as_is_said(task: str, n: int, rate: float):
    """Random means of two decimals, each in a table of its own; n runs over the dev set."""
    random = np.random.default_rng(11)
    wrong = [f"{value:.2f}" for value in random.integers(6_000, 9_500, 2_000) / 100]
    names = ["table", "split", "method", "task", "metric", "mean", "n"]
    rows = [(str(i), "dev", "kd", task, "accuracy", mean, str(n)) for i, mean in enumerate(wrong)]
    audit = audit_tables(pd.DataFrame(rows, columns=names))
    caught = sum(each.severity in ("impossible", "inconsistent") for each in audit.findings)
    assert caught / len(wrong) == pytest.approx(rate, abs=0.03 if rate else 0)


def one(findings: tuple[Finding, ...], kind: str) -> Finding:
    (only,) = (each for each in findings if each.kind == kind)
    return only


def table(*rows: tuple[str, ...]) -> tuple[Finding, ...]:
    names = ["method", "task", "metric", "mean", "sd", "n", "examples"]
    padded = [[*row, *[""] * (7 - len(row))] for row in rows]
    return audit_tables(pd.DataFrame(padded, columns=names)).findings


def test_an_sd_of_an_average_above_the_mean_of_the_sds_is_impossible():
    rows = [("kd", "a", "f1", "80.00", "0.50", "5"), ("kd", "b", "f1", "90.00", "0.70", "5")]
    for sd, severity in (
        ("0.60", "fine"),
        ("0.62", "inconsistent"),  # .605 by one divisor is .676 by the other
        ("0.70", "impossible"),
        ("0.08", "inconsistent"),  # two columns differ by at least half of .2
        ("0.05", "impossible"),
    ):
        average = ("kd", "mean", "mean_of_tasks", "85.00", sd, "5")
        assert one(table(*rows, average), "average_sd").severity == severity, sd


def test_what_scores_cannot_be():
    assert one(table(("kd", "a", "f1", "101.3", "", "5")), "range").severity == "impossible"
    spread = one(table(("kd", "a", "f1", "99.00", "12.00", "5")), "sd")
    assert spread.recomputed == f"at most {math.sqrt((100 - 98.995) * 98.995 * 5 / 4):.2f}"
    assert one(table(("kd", "a", "f1", "90.00", "0.40", "1")), "sd").severity == "impossible"
    # 0 and 100: the largest spread there is, with the divisor n - 1
    assert not table(("kd", "a", "f1", "50.00", "70.71", "2"))
    assert one(table(("kd", "a", "f1", "50.00", "70.73", "2")), "sd").severity == "impossible"


def test_the_size_of_an_unknown_test_set_is_a_column():
    """200 examples, one run: steps of half a point."""
    assert not table(("kd", "ours", "accuracy", "90.3", "", "1"))
    assert one(table(("kd", "ours", "accuracy", "90.3", "", "1", "200")), "grim").severity == (
        "impossible"
    )
    assert one(table(("kd", "ours", "accuracy", "90.5", "", "1", "200")), "grim").severity == "fine"


def test_an_sd_behind_which_any_count_may_be_is_not_searched():
    """A mean without decimals over 500 billion examples leaves billions of sums."""
    assert not table(("kd", "a", "accuracy", "62", "0.0000000001", "500", "999999999"))


def test_sds_of_two_conventions_in_one_publication_are_noticed():
    """187, 182, 180, 175 and 176 right of 200: 2.42 or 2.17 points."""
    rows = [
        (method, "a", "accuracy", "90.00", sd, "5", "200")
        for method, sd in (("base", "2.42"), ("kd", "2.17"))
    ]
    assert np.std([187, 182, 180, 175, 176]) / 2 == pytest.approx(2.17, abs=0.005)
    assert np.std([187, 182, 180, 175, 176], ddof=1) / 2 == pytest.approx(2.42, abs=0.005)
    assert one(table(*rows), "ddof").severity == "inconsistent"


def test_arms_that_cannot_be_tested_are_named_and_counted():
    rows = [
        (m, "a", "f1", mean, sd, "5")
        for m, mean, sd in (
            ("base", "80.00", "0.00"),
            ("ls", "81.00", "0.00"),
            ("kd", "81.00", "0.50"),
        )
    ]
    told = {each.row: each for each in table(*rows)}
    assert "both sds print as 0" in told["ls"].detail
    assert told["ls"].severity == "unsupported"
    assert "Holm over 2" in told["kd"].detail


def test_arms_of_different_n_are_compared_by_welch():
    rows = [("base", "a", "f1", "80.10", "0.80", "5"), ("kd", "a", "f1", "81.00", "0.90", "10")]
    (told,) = table(*rows)
    expected = scipy_stats.ttest_ind_from_stats(81, 0.9, 10, 80.1, 0.8, 5, equal_var=False)
    assert f"n = 5 and 10: p {expected.pvalue:.3g}".replace("0.", ".") in told.detail
    assert "pair correlation" not in told.detail


@pytest.mark.parametrize(
    ("row", "told", "column"),
    [
        ({"task": "Avg", "sd": "1.0"}, "not checked as averages: 1 figure of Avg", "metric"),
        ({"task": "GLUE score avg.", "sd": "1.0"}, "whole counts are checked without", "metric"),
        ({"task": "rte", "metric": "accuracy"}, "hangs on the split: 1 figure of rte", "split"),
        ({"task": "rte", "metric": "acc", "split": "fold 1"}, "hangs on the split", "split"),
        ({"task": "agnews", "metric": "accuracy"}, "test set is not known", "examples"),
        ({"task": "agnews", "metric": "bleu"}, 'the metric "bleu": 1 figure', "metric"),
        ({"task": "agnews"}, "without a metric: 1 figure of agnews", "metric"),
        ({"task": "mrpc", "metric": "f1"}, "differences are not tested without an sd", "sd"),
        ({"task": "score", "metric": "mean_of_tasks"}, "the arm has no other task", ""),
    ],
)
def test_what_was_not_checked_is_said_with_the_column_that_would_let_it(
    row: dict[str, str], told: str, column: str
):
    given = {"method": "base", "mean": "68.66", "n": "5"} | row
    audit = audit_tables(pd.DataFrame([given]))
    (line,) = [each for each in audit.unchecked if told in each]
    assert f"column {column}" in line or not column


def test_a_figure_that_was_put_to_every_check_is_not_listed():
    rows = [
        ("base", "rte", "accuracy", "dev", "68.66 ± 1.28", "5"),
        ("base", "avg", "mean_of_tasks", "dev", "68.66 ± 1.28", "5"),
    ]
    names = ["method", "task", "metric", "split", "mean", "n"]
    assert audit_tables(pd.DataFrame(rows, columns=names)).unchecked == ()


@pytest.mark.parametrize(
    ("column", "name", "known"),
    [
        ("metric", "acuracy", "accuracy"),
        ("metric", "accurracy", "accuracy"),
        ("metric", "matthew_correlation", "matthews_correlation"),
        ("metric", "mathews", "matthews_correlation"),
        ("metric", "mathews corrcoef", "matthews_correlation"),
        ("metric", "mean_of_task", "mean_of_tasks"),
        ("split", "vaildation", "validation"),
        ("split", "tset", "test"),
    ],
)
def test_a_misspelt_name_is_refused(column: str, name: str, known: str):
    row = {"method": "base", "task": "rte", "mean": "68.66", "n": "5", column: name}
    with pytest.raises(ScoresError, match=f'row 0, column {column}: "{name}".*is it "{known}"'):
        audit_tables(pd.DataFrame([row]))


def test_names_of_ones_own_are_no_misspellings():
    for metric in ("accuracy_top5", "macro_f1", "acc_percent", "rouge1", "f1 of class 1", "bleu"):
        row = {"method": "base", "task": "rte", "mean": "68.66", "n": "5", "metric": metric}
        audit_tables(pd.DataFrame([row]))


@pytest.mark.parametrize(
    ("metric", "advice"),
    [
        ("avg", "if it is the average of the arm's other tasks, call it mean_of_tasks"),
        ("glue score", "if it is one of accuracy"),
        ("micro-f1", "if it is a kind of F1, call it f1"),
        ("f-score", "if it is a kind of F1, call it f1"),
        ("mcc", "if it is Matthews' correlation, call it matthews_correlation"),
        ("matthews", "if it is Matthews' correlation, call it matthews_correlation"),
        ("accuracy_top5", "if it is an accuracy, call it accuracy"),
        ("rouge1", "if it is one of accuracy"),
    ],
)
def test_a_metric_that_is_not_known_is_told_what_it_may_be(metric: str, advice: str):
    row = {"method": "base", "task": "rte", "mean": "68.66", "n": "5", "metric": metric}
    (line,) = [each for each in audit_tables(pd.DataFrame([row])).unchecked if metric in each]
    assert advice in line


def test_without_a_margin_no_power_is_told():
    """Power at the observed difference is the p-value over again."""
    assert not any("power" in each.detail or each.runs for each in found().findings)
    with_margin = [each.detail for each in found(1.0).findings if "80 % power" in each.detail]
    assert with_margin
    for detail in with_margin:
        n = int(re.search(r"n = (\d+)", detail)[1])
        takes = re.search(r"takes ([\d,]+) runs an arm", detail)
        assert int(takes[1].replace(",", "")) > n if takes else f"with {n} runs an arm" in detail


def of_spread(spread: str, sds: tuple[str, str], **asked):
    rows = [("base", "rte", "accuracy", "dev", "68.66", sds[0], "5")]
    rows += [("kd", "rte", "accuracy", "dev", "70.24", sds[1], "5")]
    columns = ["method", "task", "metric", "split", "mean", "sd", "n"]
    return audit_tables(pd.DataFrame(rows, columns=columns), spread=spread, **asked)


def test_a_printed_standard_error_is_an_sd_over_the_root_of_n():
    """1.12 / √5 is .50: the same test, within what rounding leaves."""
    (of_sd,) = (f for f in of_spread("sd", ("1.118", "1.342")).findings if f.kind == "difference")
    (of_se,) = (f for f in of_spread("se", ("0.500", "0.600")).findings if f.kind == "difference")
    assert (of_se.recomputed, of_se.severity) == (of_sd.recomputed, of_sd.severity)
    (taken,) = (f for f in of_spread("sd", ("0.500", "0.600")).findings if f.kind == "difference")
    assert taken.severity == "fine"
    assert of_se.severity == "unsupported"


def test_pairs_of_standard_errors_are_tested_as_pairs_of_sds():
    found = [
        f.recomputed
        for spread, sds in (("sd", ("1.118", "1.342")), ("se", ("0.500", "0.600")))
        for f in of_spread(spread, sds, paired_correlation=0.5, margin=3.0).findings
        if f.kind == "difference"
    ]
    assert found[0] == found[1]


def test_half_of_an_interval_is_no_whole_count_and_is_divided_by_student_s_t():
    """2.776 standard errors of five runs: 1.388 is the half of .5's."""
    of_ci = of_spread("ci95", ("1.38822", "1.66587"))
    of_se = of_spread("se", ("0.50000", "0.60000"))
    assert not [f for f in of_ci.findings if f.kind == "grimmer"]
    shown = [[f.recomputed for f in a.findings if f.kind == "difference"] for a in (of_ci, of_se)]
    assert shown[0] == shown[1]


def test_an_unknown_spread_is_refused():
    with pytest.raises(InvalidSetting, match="spread"):
        of_spread("iqr", ("1", "2"))
