from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import rankdata

from stats import (
    InvalidSetting,
    Judging,
    analyse,
    compare,
    plan_comparisons,
    posteriors,
    rank,
    signed_rank,
)
from stats.ties import midranks, noise_scale, settle

blocks = arrays.arrays(
    np.float64,
    arrays.array_shapes(min_dims=1, max_dims=3, max_side=9),
    elements=st.integers(-3, 3).map(float) | st.floats(allow_nan=False),
)
counts = st.lists(st.integers(0, 872), min_size=2, max_size=12)


def test_percentages_lose_their_ties_to_float_noise_and_get_them_back():
    baseline = 100 * np.array([592, 590, 592, 597, 592, 591, 595, 603]) / 872
    candidate = 100 * np.array([593, 589, 597, 600, 594, 596, 599, 601]) / 872
    raw = candidate - baseline
    counted = np.round(raw * 872 / 100)
    assert signed_rank(raw).p_value == 0.0625
    assert signed_rank(counted).p_value == 0.0859375
    assert compare(baseline, candidate).p_value == 0.0859375


@given(counts, st.randoms())
def test_percentages_rank_like_the_counts_behind_them(baseline: list[int], random):
    candidate = [min(872, max(0, count + random.randint(-3, 3))) for count in baseline]
    whole = signed_rank(np.subtract(candidate, baseline))
    percent = 100 * np.array([baseline, candidate]) / 872
    result = compare(*percent)
    assert result.p_value == whole.p_value
    assert result.wilcoxon_statistic == whole.statistic
    assert compare(*percent, resolution=100 / 872).p_value == whole.p_value


@given(counts, st.randoms(), st.sampled_from([1.0, 100.0]))
def test_single_precision_ranks_like_the_counts_behind_it(baseline: list[int], random, unit):
    candidate = [min(872, max(0, count + random.randint(-3, 3))) for count in baseline]
    whole = signed_rank(np.subtract(candidate, baseline))
    held = (unit * np.array([baseline, candidate]) / 872).astype(np.float32)
    typed = [[float(str(float(score))) for score in arm] for arm in held]  # through a CSV file
    for first, second in (held, typed):
        result = compare(first, second)
        assert result.p_value == whole.p_value
        assert result.wilcoxon_statistic == whole.statistic


@pytest.mark.parametrize("scores", [[1e6, 1e6 + 1, 16_777_213], [66.5, 70.25, 1 / 1024], [66.3]])
def test_exact_numbers_are_not_taken_for_single_precision(scores: list[float]):
    assert noise_scale(np.array(scores)) == max(scores)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20), st.floats(0, 1e3))
def test_settling_moves_nothing_by_more_than_the_noise(differences: list[float], scale: float):
    settled = settle(differences, scale)
    size = np.abs(differences).max()
    assert np.abs(settled - differences).max() <= 21 * max(1e-9 * size, 1.5e-14 * scale)
    assert settle(settled, scale).tolist() == settled.tolist()


def test_a_difference_within_rounding_error_of_its_scores_is_zero():
    assert settle([66.1 + 1e-14 - 66.1, 0.1], scale=66.1)[0] == 0


def test_small_real_differences_of_large_scores_survive():
    assert settle([1e-4, -2e-4], scale=1e6).tolist() == [1e-4, -2e-4]


def test_a_resolution_rounds_to_its_nearest_multiple():
    assert settle([0.24, -0.26, 0.01], resolution=0.25).tolist() == pytest.approx([0.25, -0.25, 0])


SCORES = {
    "first": [60.1, 60.4, 61.2, 59.8, 60.6, 60.3],
    "second": [60.4, 60.2, 61.5, 60.1, 60.5, 60.7],
}


def asked(question: str, **settings: float | dict[str, float]):
    """One question about two arms, whose scores are no multiples of a point."""
    if question == "compare":
        return compare(*SCORES.values(), **settings)
    rows = [
        {"method": method, "seed": seed, "task": "rte", "init": init, "score": score}
        for method, scores in SCORES.items()
        for seed, score in enumerate(scores)
        for init in ("scratch", "pretrained")
    ]
    table = pd.DataFrame(rows)
    if question == "rank":
        return rank(table[table["init"] == "scratch"], judging=Judging(**settings), blocks="seed")
    if question == "plan":
        return plan_comparisons(table, "first", ["second"], 8, Judging(margin=1.0, **settings))
    return {"analyse": analyse, "posteriors": posteriors}[question](
        table, "first", ["second"], Judging(**settings)
    )


@pytest.mark.parametrize("question", ["compare", "analyse", "posteriors", "rank", "plan"])
def test_a_step_that_is_not_that_of_the_scores_decides_nothing(question: str):
    with pytest.raises(InvalidSetting, match="is not the step of these scores"):
        asked(question, resolution=1.0)
    if question in ("analyse", "posteriors", "plan"):
        with pytest.raises(InvalidSetting, match="is not the step of these scores"):
            asked(question, resolution={"rte": 1.0})
    asked(question, resolution=0.1)


@pytest.mark.parametrize("question", ["compare", "analyse", "posteriors"])
def test_a_step_above_the_margin_decides_nothing(question: str):
    with pytest.raises(InvalidSetting, match="coarser than the margin"):
        asked(question, resolution=0.1, margin=0.05)
    if question != "compare":  # of the test set itself, whose scores are as coarse
        asked(question, resolution={"rte": 0.1}, margin=0.05)


#: Accuracies of 872 examples in percent, from single precision.
BASE = [60.43578, 55.848625, 57.568806, 56.536697, 55.963303, 58.830276, 55.963303, 57.683487]
KD = [61.009174, 56.19266, 58.1422, 56.766056, 56.651375, 58.48624, 56.536697, 57.33945]


def test_decimals_of_single_precision_are_tied_as_the_counts_behind_them():
    counts = [np.rint(np.array(arm) * 8.72) for arm in (BASE, KD)]
    exact = compare(*(100 * each / 872 for each in counts))
    for arms in (
        (BASE, KD),
        [100 * (each / 872).astype(np.float32).astype(float) for each in counts],
        [[100 * float(str(x)) for x in (each / 872).astype(np.float32)] for each in counts],
    ):
        assert compare(*arms).p_value == exact.p_value


@pytest.mark.parametrize("digits", range(1, 9))
@pytest.mark.parametrize(("mean", "sd"), [(60, 1), (0.6, 0.01)])
def test_measured_decimals_are_not_taken_for_single_precision(mean: float, sd: float, digits: int):
    scores = np.random.default_rng(digits).normal(mean, sd, (2000, 16)).round(digits)
    assert (noise_scale(scores, axis=1) == np.abs(scores).max(axis=1)).all()


@given(blocks)
def test_midranks_are_those_of_scipy(values):
    assert np.array_equal(midranks(values), rankdata(values, axis=-1))
