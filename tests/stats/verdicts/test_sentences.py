"""Verdicts in words: what they say, and what they must never say."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats import Judging, analyse
from stats.report.words import sentences

SEEDS = range(8)
SPREAD = np.array([-0.6, -0.35, -0.2, -0.05, 0.1, 0.2, 0.35, 0.55])
SHIFTS = {
    "better": (3.0, 1.0),
    "worse": (-3.0, 1.0),
    "negligible": (0.75, 0.5),
    "equivalent": (0.0, 1.0),
    "inconclusive": (0.3, 14.0),
}


def judged(shift: float, spread: float, margin: float | None = 2.0, metric: str = "accuracy"):
    rows = [
        {"method": method, "seed": seed, "score": 70 + seed + gain[seed], "metric": metric}
        for method, gain in (("base", np.zeros(8)), ("kd", shift + spread * SPREAD))
        for seed in SEEDS
    ]
    return analyse(pd.DataFrame(rows), "base", ["kd"], Judging(margin=margin, split=""))


@pytest.mark.parametrize("verdict", SHIFTS)
def test_each_verdict_has_its_sentence(verdict):
    result = judged(*SHIFTS[verdict])
    (found,) = sentences.findings(result)
    (each,) = result.comparisons
    assert found.verdict == each.verdict == verdict
    assert f"difference {each.mean_difference:+.2f}" in found.text.replace("0.00", "+0.00")
    assert "n = 8" in found.text
    says = {
        "better": "kd is better than base",
        "worse": "kd is worse than base",
        "negligible": "kd differs from base, but by less than matters",
        "equivalent": "kd and base are equivalent within ±2 points",
        "inconclusive": "Whether kd is better or worse than base stays open",
    }
    assert says[verdict] in found.text
    assert sentences.tally(result) == f"1 comparison: 1 {verdict}."


def test_a_difference_is_held_against_the_margin():
    beyond = sentences.findings(judged(3.0, 1.0, margin=1.0))[0].text
    assert "The whole interval lies beyond the margin of 1 point." in beyond
    around = sentences.findings(judged(3.0, 1.0, margin=3.0))[0].text
    assert "leaves open whether it is a gain of more than the margin" in around
    assert "margin" not in sentences.findings(judged(3.0, 1.0, margin=None))[0].text


def test_less_is_better_for_a_loss():
    text = sentences.findings(judged(-3.0, 1.0, metric="nll"))[0].text
    assert text.startswith("kd is better than base")
    assert "mean has the other sign" not in text


@settings(max_examples=60, deadline=None)
@given(st.floats(-4, 4), st.floats(0, 8), st.sampled_from([None, 0.5, 2.0]), st.integers(2, 8))
def test_no_sentence_takes_absence_of_evidence_for_evidence(shift, spread, margin, seeds):
    rows = [
        {"method": method, "init": init, "seed": seed, "score": 70 + seed + gain[seed]}
        for init, scale in (("scratch", 1.0), ("pretrained", 0.5))
        for method, gain in (("base", np.zeros(8)), ("kd", scale * (shift + spread * SPREAD)))
        for seed in range(seeds)
    ]
    result = analyse(pd.DataFrame(rows), "base", ["kd"], Judging(margin=margin))
    found = [*sentences.findings(result), *sentences.interaction_findings(result)]
    for each in found:
        text = each.text.lower()
        assert not re.search(r"no (difference|effect)|significan|prove", text), text
        assert "nan" not in text.replace("n/a", "")
        if each.verdict == "inconclusive":
            assert "stays open" in text or "nothing can be concluded" in text
        if each.verdict in ("negligible", "equivalent"):
            assert "margin" in text
    assert all(math.isfinite(each.mean_difference) for each in result.comparisons)
