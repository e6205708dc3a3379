"""Models that were evaluated once each: what their documents decide, and what they do not."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from stats import InvalidSetting, Judging, NotPaired, ScoresError, UnknownName, mcnemar
from stats.items.clustered import clustered_mean
from stats.items.seeds_and_items import seeds_and_items
from stats.power.sample_size import seeds_for_test
from stats.report import render
from stats.table.evaluations import Evaluation
from stats.table.reading.harness.joined import harness_files, read_evaluations
from stats.verdicts.on_documents import DocumentComparison, analyse_documents
from tests.stats.harness_files import write_accuracy, write_results, write_samples


def answers(seed: int, rate: float, n: int = 400) -> list[int]:
    """Right and wrong answers of a model; questions are as hard for one model as for another."""
    hard = np.random.default_rng(0).uniform(-0.2, 0.2, n)
    return (np.random.default_rng(seed).uniform(size=n) < rate + hard).astype(int).tolist()


BASE, KD = answers(1, 0.55), answers(2, 0.68)


def read(folder: Path, cluster: str | None = None) -> list[Evaluation]:
    return read_evaluations(harness_files([folder]), cluster)


def only(found: list[Evaluation], **judging) -> DocumentComparison:
    analysis = analyse_documents(found, "base", ["kd"], Judging(**judging))
    assert len(analysis.comparisons) == 1
    return analysis.comparisons[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_accuracy(tmp_path, "org/base", "boolq", BASE)
    write_accuracy(tmp_path, "org/kd", "boolq", KD)
    return tmp_path


def test_right_and_wrong_answers_are_tested_by_mcnemar_on_the_same_documents(folder):
    found = only(read(folder), margin=0.01)
    expected = mcnemar(BASE, KD)
    assert (found.by, found.n_documents, found.n_seeds) == ("McNemar, exact", 400, 0)
    assert (found.p_value, found.difference) == (expected.p_value, expected.difference)
    assert (found.ci_low, found.ci_high) == (expected.low, expected.high)
    assert found.verdict == "better"
    assert (found.task, found.metric, found.lower_is_better) == ("boolq", "acc", False)


def test_samples_in_another_order_are_the_same_documents(folder):
    before = only(read(folder), margin=0.01)
    path = next((folder / "org__kd").glob("samples*"))
    lines = path.read_text().splitlines()
    path.write_text("\n".join(reversed(lines)) + "\n")
    assert only(read(folder), margin=0.01) == before


def test_without_samples_two_standard_errors_are_left(folder):
    paired = only(read(folder))
    for path in folder.rglob("samples*"):
        path.unlink()
    found = only(read(folder))
    assert (found.by, found.n_documents) == ("two standard errors", 0)
    assert found.difference == pytest.approx(paired.difference)
    variance = sum(np.var(each, ddof=1) / 400 for each in (BASE, KD))
    assert found.error == pytest.approx(math.sqrt(variance))
    assert found.error > paired.error  # since models find the same questions hard
    warned = analyse_documents(read(folder), "base", ["kd"]).warnings
    assert sum("--log_samples" in each for each in warned) == 1


def test_clusters_widen_the_interval_where_answers_to_a_passage_agree(tmp_path):
    passages = np.repeat(np.arange(40), 10)
    random = np.random.default_rng(5)
    right = {
        "base": np.repeat(random.integers(0, 2, 40), 10),
        "kd": np.repeat(random.integers(0, 2, 40), 10),
    }
    for name, each in right.items():
        write_accuracy(tmp_path, name, "race", each.tolist(), passages=passages.tolist())
    alone = only(read(tmp_path))
    for path in ("doc.passage.id", "passage.id"):
        found = only(read(tmp_path, path))
        expected = clustered_mean(right["kd"] - right["base"], passages.tolist())
        assert (found.by, found.n_documents, found.n_clusters) == ("t over clusters", 400, 40)
        assert (found.error, found.p_value) == pytest.approx((expected.error, expected.p_value))
        assert found.error > 2.5 * alone.error
    with pytest.raises(
        ScoresError, match=r"nothing at doc\.text .* has doc\.question, doc\.answer"
    ):
        read(tmp_path, "doc.text")


def test_numbers_between_are_tested_by_t_and_no_means_by_the_bootstrap(tmp_path):
    random = np.random.default_rng(6)
    lengths = random.integers(20, 60, 80)
    for name, shift in (("base", 0.0), ("kd", 0.1)):
        logs = -(3 - shift) * lengths + random.normal(0, 3, 80)
        metrics = {
            "rougeL": (random.uniform(0.2, 0.5, 80) + shift).tolist(),
            "word_perplexity": np.stack([logs, lengths], axis=1).tolist(),
        }
        write_samples(tmp_path, name, "wikitext", metrics)
        score = math.exp(-logs.sum() / lengths.sum())
        mean = float(np.mean(metrics["rougeL"]))
        scores = {"word_perplexity,none": score, "word_perplexity_stderr,none": "N/A"}
        write_results(tmp_path, name, {"wikitext": {"rougeL,none": mean, **scores}})
    found = read(tmp_path)
    assert only(found, metric="rougeL").by == "t over documents"
    assert only(found, metric="rougeL,none").verdict == "better"
    lower = only(found, metric="word_perplexity")
    assert (lower.by, lower.lower_is_better) == ("paired bootstrap", True)
    assert lower.difference < 0
    assert lower.verdict == "better"
    with pytest.raises(InvalidSetting, match="wikitext has the metrics rougeL and word_perplexity"):
        only(found)


def test_filters_are_told_apart(tmp_path):
    for name, rate in (("base", 0.4), ("kd", 0.6)):
        rows = {
            f"exact_match,{kind}": rate + more
            for kind, more in (("strict-match", 0), ("flexible-extract", 0.1))
        }
        errors = {key.replace(",", "_stderr,"): 0.02 for key in rows}
        write_results(tmp_path, name, {"gsm8k": rows | errors})
    found = read(tmp_path)
    assert only(found, metric="exact_match,strict-match").candidate_score == 0.6
    with pytest.raises(InvalidSetting, match="--metric exact_match,strict-match"):
        only(found, metric="exact_match")
    with pytest.raises(UnknownName, match='no metric "acc"'):
        only(found, metric="acc")


def test_a_group_is_one_task_with_the_documents_of_all(tmp_path):
    for name, right in (("base", BASE), ("kd", KD)):
        parts = {"mmlu_anatomy": right[:150], "mmlu_law": right[150:]}
        for task, each in parts.items():
            write_samples(tmp_path, name, task, {"acc": [float(one) for one in each]})
        scores = {task: {"acc,none": float(np.mean(each))} for task, each in parts.items()}
        whole = {"mmlu": {"acc,none": float(np.mean(right)), "acc_stderr,none": 0.02}}
        groups = {"mmlu": ["mmlu_all"], "mmlu_all": list(parts), **{task: [] for task in parts}}
        write_results(tmp_path, name, whole | scores, group_subtasks=groups)
    found = only(read(tmp_path))
    assert (found.task, found.n_documents, found.by) == ("mmlu", 400, "McNemar, exact")
    assert found.p_value == mcnemar(BASE, KD).p_value


def test_documents_that_do_not_give_the_score_are_not_taken(folder):
    path = next((folder / "org__kd").glob("results*"))
    held = json.loads(path.read_text())
    held["results"]["boolq"]["acc,none"] = 0.9
    path.write_text(json.dumps(held))
    analysis = analyse_documents(read(folder), "base", ["kd"])
    assert analysis.comparisons[0].by == "two standard errors"
    assert any("the documents logged do not give its score" in each for each in analysis.warnings)


def test_models_that_were_not_asked_alike_are_named(folder):
    write_results(folder, "org/few", {"boolq": {"acc,none": 0.6, "acc_stderr,none": 0.02}}, shots=0)
    analysis = analyse_documents(read(folder), "base", ["kd", "few"])
    assert any("0-shot, version 1.0 or 5-shot" in each for each in analysis.warnings)
    two = analysis.comparisons
    assert two[0].p_adjusted == pytest.approx(min(1, 2 * min(two[0].p_value, two[1].p_value)))


def test_other_documents_are_left_out_and_named(folder):
    path = next((folder / "org__kd").glob("samples*"))
    path.write_text("\n".join(path.read_text().splitlines()[:390]) + "\n")
    next((folder / "org__kd").glob("results*")).unlink()
    analysis = analyse_documents(read(folder), "base", ["kd"])
    assert analysis.comparisons[0].n_documents == 390
    assert any(each.startswith("10 documents of boolq") for each in analysis.warnings)


def test_the_data_of_another_task_are_no_pairs(tmp_path):
    write_samples(tmp_path, "base", "boolq", {"acc": [1.0, 0.0]}, passages=[1, 2])
    write_samples(tmp_path, "kd", "boolq", {"acc": [1.0, 0.0]}, passages=[3, 4])
    with pytest.raises(NotPaired, match="share no document of boolq"):
        only(read(tmp_path))


def test_seeds_and_documents_are_tested_together(tmp_path):
    arms = {
        name: [answers(10 * i + seed, rate) for seed in range(3)]
        for i, (name, rate) in enumerate((("base", 0.5), ("kd", 0.66)), 1)
    }
    for name, seeds in arms.items():
        for seed, right in enumerate(seeds):
            write_accuracy(tmp_path, f"out/{name}-seed{seed}", "boolq", right)
    found = only(read(tmp_path), margin=0.3)
    expected = seeds_and_items(np.array(arms["kd"]) - np.array(arms["base"]))
    assert (found.by, found.n_seeds, found.n_documents) == ("seeds and documents", 3, 400)
    assert (found.p_value, found.ci_low) == (expected.p_value, expected.low)
    inside = seeds_and_items(np.array(arms["kd"]) - np.array(arms["base"]), confidence=0.9)
    assert (found.p_equivalence < 0.05) == (inside.high < 0.3)


def test_equivalence_is_the_interval_at_twice_alpha_inside_of_the_margin(folder):
    wide = mcnemar(BASE, KD, confidence=0.9)
    for margin, inside in ((wide.high + 1e-6, True), (wide.high - 1e-6, False)):
        assert (only(read(folder), margin=margin).p_equivalence < 0.05) == inside


def test_an_inconclusive_verdict_says_how_many_documents_it_takes(folder):
    found = only(read(folder), margin=0.2, alpha=1e-12)
    sd = found.error * math.sqrt(400)
    assert found.verdict == "inconclusive"
    assert found.documents_needed == max(400, int(seeds_for_test(0.2 / sd, alpha=1e-12, test="t")))
    many = only(read(folder), margin=0.001, alpha=1e-12)
    assert many.documents_needed == int(seeds_for_test(0.001 / sd, alpha=1e-12, test="t"))
    assert only(read(folder), margin=0.001).documents_needed is None  # it is better
    analysis = analyse_documents(read(folder), "base", ["kd"], Judging(margin=0.001, alpha=1e-12))
    assert f"{many.documents_needed:,}" in render(analysis, width=150)


def test_a_model_that_was_evaluated_twice(folder):
    row = {"boolq": {"acc,none": 0.6, "acc_stderr,none": 0.02}}
    write_results(folder, "org/kd", row, date="2026-03-02T01-00-00.0")
    with pytest.raises(ScoresError, match="boolq once more, with other scores"):
        read(folder)
    more = {"config": {"model": "hf", "model_args": "pretrained=org/kd,load_in_4bit=True"}}
    write_results(folder, "org/kd", row, date="2026-03-02T01-00-00.0", **more)
    assert {each.method for each in read(folder)} == {
        "base",
        "kd,dtype=bfloat16",
        "kd,load_in_4bit=True",
    }


def test_a_task_is_called_in_the_name_of_its_file(folder):
    path = next((folder / "org__kd").glob("samples*"))
    other = path.rename(path.with_name("kd.jsonl"))
    with pytest.raises(ScoresError, match=r"call it samples_TASK\.jsonl"):
        read_evaluations(harness_files([other]))


def test_tables_say_of_what_their_verdicts_are(folder):
    found = analyse_documents(read(folder), "base", ["kd"], Judging(margin=0.01), study="two")
    for form in ("table", "markdown", "latex", "csv", "json"):
        assert "McNemar, exact" in render(found, form)
    told = " ".join(render(found).split())
    assert "not about training seeds" in told
    assert json.loads(render(found, "json"))["comparisons"][0]["verdict"] == "better"
