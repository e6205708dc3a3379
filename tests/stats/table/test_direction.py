"""Which way a metric is better: declared, or said by the words of its name, never guessed."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stats
from stats import InvalidSetting, Judging, ScoresError, analyse, read_scores
from stats.report import FORMATS, render
from stats.table.direction import by_name, is_lower_better

CASES = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "scores"
SPREAD = np.array([-0.6, -0.35, -0.2, -0.05, 0.1, 0.2, 0.35, 0.55])


def words(text: str) -> list[str]:
    return text.split()


LOWER = words(
    """
    loss val_loss eval/loss testError test_error logloss LogLoss log_loss cross-entropy nll
    negative_log_likelihood perplexity ppl bits_per_byte brier_score ece_scaled_mass wer mae
    root_mean_squared_error median_absolute_error fid FIDScore KID lpips latency latency_ms
    inference_time train_runtime regret kl_divergence edit_distance false_positive_rate
    expected_calibration_error error@1 dice_loss seconds hd95 FID↓
    """
)
HIGHER = words(
    """
    accuracy Acc val_acc eval_accuracy test/f1 macro-F1 F1Score auc ROC-AUC AUROC auprc bleu
    BLEU-4 sacreBLEU rougeL rouge1 chrf++ mcc matthews_correlation pearson spearmanr R^2 r2
    mAP mAP@50 recall@10 precision nDCG@10 mrr mean_reciprocal_rank mIoU Dice em exact_match
    kappa quadratic_weighted_kappa pass@1 win_rate psnr neg_rmse -loss neg_mean_squared_error
    neg_log_loss log_likelihood true_negative_rate tokens_per_second mnli_accuracy score ↑zeal
    """
)
DOUBTFUL = words(
    """
    custom_loss valloss my-distance time survival_time time_saved loss_gap accuracy_drop
    error_reduction cost memory neg_accuracy 1-accuracy energy_penalty my_fid weird_latency
    mean_regret_ratio xdivergence loss_of_accuracy_avoided
    """
)
UNKNOWN = words(
    """
    zeal sentiment confidence fidelity cosine_similarity quux
    """
)


@pytest.mark.parametrize(("names", "lower"), [(LOWER, True), (HIGHER, False), (UNKNOWN, None)])
def test_the_words_of_a_name_say_which_way_it_is_better(names, lower):
    assert {name: by_name(name) for name in names} == dict.fromkeys(names, lower)


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_name_of_which_less_may_be_better_is_asked_about(name):
    with pytest.raises(InvalidSetting, match="--lower-is-better or --higher-is-better"):
        is_lower_better(name)


@given(st.sampled_from(LOWER + HIGHER), st.sampled_from(["val_", "test/", "eval-", "dev."]))
def test_where_a_score_was_taken_does_not_turn_its_direction(name, where):
    if not name.startswith(("-", "neg")):
        assert by_name(where + name) is by_name(name)


@given(st.sampled_from([name for name in LOWER if name.islower() and "negative" not in name]))
def test_a_negated_loss_is_better_where_it_is_higher(name):
    assert by_name(f"neg_{name}") is False


def scores(metric: str = "zeal", **columns: str) -> pd.DataFrame:
    rows = [
        {"method": method, "seed": seed, "score": 70 + seed + gain[seed], "metric": metric}
        for method, gain in (("base", 0 * SPREAD), ("kd", 1 + SPREAD))
        for seed in range(8)
    ]
    return pd.DataFrame(rows).assign(**columns)


def verdict(table: pd.DataFrame, **declared: bool) -> str:
    return analyse(table, "base", ["kd"], Judging(**declared)).comparisons[0].verdict


def test_an_unknown_name_is_taken_as_higher_with_a_warning():
    warnings = analyse(scores(), "base", ["kd"]).warnings
    assert any('nothing says of "zeal" whether more is better' in each for each in warnings)
    for known in ({"lower_is_better": False}, {"lower_is_better": True}):
        assert not any(
            "zeal" in each for each in analyse(scores(), "base", ["kd"], Judging(**known)).warnings
        )
    assert not any("accuracy" in w for w in analyse(scores("accuracy"), "base", ["kd"]).warnings)


@pytest.mark.parametrize("told", ["lower", "min", "Minimize", "lower_is_better", " LOWER "])
def test_a_column_declares_the_direction(told):
    assert verdict(scores(direction=told)) == "worse"
    assert verdict(scores("custom_loss", direction="higher")) == "better"
    assert not any("zeal" in w for w in analyse(scores(direction=told), "base", ["kd"]).warnings)


def test_declarations_that_contradict_each_other_are_refused():
    with pytest.raises(InvalidSetting, match="higher is better as declared, but lower by the colu"):
        analyse(scores(direction="lower"), "base", ["kd"], Judging(lower_is_better=False))
    both = scores(direction="lower")
    both.loc[3, "direction"] = "higher"
    with pytest.raises(InvalidSetting, match='"zeal" is both lower and higher'):
        analyse(both, "base", ["kd"])
    with pytest.raises(ScoresError, match='row 3, column direction: "sideways" is neither'):
        analyse(both.assign(direction=["lower"] * 3 + ["sideways"] * 13), "base", ["kd"])
    with pytest.raises(InvalidSetting, match="lower_is_better must be True, False or None"):
        analyse(scores(), "base", ["kd"], Judging(lower_is_better="yes"))


def test_a_declaration_against_the_name_holds_and_is_said():
    result = analyse(scores("loss"), "base", ["kd"], Judging(lower_is_better=False))
    assert result.comparisons[0].verdict == "better"
    assert any('more of "loss" is better as declared' in each for each in result.warnings)


def test_metrics_of_two_directions_are_not_mixed():
    two = pd.concat([scores("accuracy", task="a"), scores("rmse", task="b")])
    with pytest.raises(InvalidSetting, match=r"accuracy: more, rmse: less"):
        analyse(two, "base", ["kd"])


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("form", FORMATS)
def test_every_output_says_which_way_is_better(form, lower):
    table = pd.concat([scores(task=task) for task in "ab"])
    told = {"lower_is_better": lower}
    results = [
        analyse(table, "base", ["kd"], Judging(**told)),
        stats.pooled(table, "base", ["kd"], Judging(tasks="fixed", **told)),
        stats.rank(table, judging=Judging(**told), blocks="seed"),
        stats.posteriors(table, "base", ["kd"], Judging(**told), samples=100),
        stats.analyse_trends(table, "base", ["kd"], {"a": 0, "b": 1}, Judging(**told)),
        stats.aggregate(table, judging=Judging(**told), replicates=100),
    ]
    for result in results:
        text = render(result, form)
        if form == "csv":
            assert "lower_is_better" in text.splitlines()[0]
            assert f",{lower}," in text
        elif form == "json":
            found = json.loads(text)
            assert found["lower_is_better"] is lower
        else:
            assert f"{'lower' if lower else 'higher'} is better" in text


@pytest.mark.parametrize("name", ["logloss", "fid", "latency", "test_error"])
def test_a_candidate_that_is_lower_everywhere_is_better(name):
    path = CASES / f"lower_{name}.csv"
    if not path.exists():
        pytest.skip("the tables of scores are not beside the repository")
    assert verdict(read_scores(path)) == "better"


def functions_of_tables() -> list[str]:
    public = {name: getattr(stats, name) for name in stats.__all__}
    return [
        name
        for name, each in public.items()
        if inspect.isfunction(each) and "DataFrame" in str(inspect.signature(each).parameters)
    ]


@pytest.mark.parametrize("name", functions_of_tables())
def test_what_reads_scores_is_told_their_direction_or_says_that_it_needs_none(name):
    function = getattr(stats, name)
    asked = {"lower_is_better", "judging"} & inspect.signature(function).parameters.keys()
    assert asked or "direction" in (function.__doc__ or "")


@pytest.mark.parametrize(
    "name",
    [
        *("accuracy_best_val_loss", "tpr_at_fpr", "TPR at 1% FPR", "recall at 5% fpr"),
        *("specificity_at_fnr", "1/ppl", "log(1/mse)", "perplexity^-1", "reward/loss", "100 - acc"),
    ],
)
def test_a_word_that_may_not_be_the_metric_decides_nothing(name):
    with pytest.raises(InvalidSetting, match="declare it"):
        by_name(name)


@pytest.mark.parametrize("name", ["100-wer", "100 - CER", "1.0-mse", "100 % - error", "1-wer"])
def test_what_is_left_of_a_loss_is_a_gain(name):
    assert by_name(name) is False


@pytest.mark.parametrize("name", ["dice_loss", "iou loss", "val/loss", "false positive rate"])
def test_a_kind_of_loss_is_a_loss(name):
    assert by_name(name) is True
