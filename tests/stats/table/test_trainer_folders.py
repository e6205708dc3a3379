"""Folders that `transformers.Trainer` leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stats import ScoresError, read_scores

SPEED = {"eval_runtime": 3.2, "eval_samples_per_second": 90.0, "eval_steps_per_second": 11.0}


def evaluation(step: int, accuracy: float) -> dict[str, float]:
    loss = 1 - accuracy
    return {
        "epoch": step / 100,
        "eval_accuracy": accuracy,
        "eval_loss": loss,
        **SPEED,
        "step": step,
    }


def write_state(folder: Path, accuracies: list[float], **more: object) -> None:
    """What `Trainer.save_state` writes after an evaluation every hundred steps."""
    folder.mkdir(parents=True, exist_ok=True)
    history: list[dict[str, float]] = []
    for i, accuracy in enumerate(accuracies, 1):
        history.append(
            {"epoch": i, "grad_norm": 1.5, "learning_rate": 1e-5, "loss": 0.4, "step": 100 * i}
        )
        history.append(evaluation(100 * i, accuracy))
    history.append({"epoch": 3.0, "step": 300, "total_flos": 1e12, "train_loss": 0.3})
    state = {"best_metric": None, "best_global_step": None, "best_model_checkpoint": None}
    state |= {"epoch": 3.0, "global_step": 300, "log_history": history, "trial_name": None}
    (folder / "trainer_state.json").write_text(json.dumps(state | more))


def write_results(folder: Path, **scores: float) -> None:
    """What `Trainer.save_metrics` makes of train, eval and predict."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {"epoch": 3.0, "train_loss": 0.3, "train_samples": 800, "total_flos": 1e12, **SPEED}
    (folder / "all_results.json").write_text(json.dumps(held | {"eval_samples": 277} | scores))


@pytest.mark.parametrize("pattern", ["{}/seed_{}", "{}-seed{}", "{}/{}", "{}-seed{}/checkpoint-9"])
def test_method_and_seed_are_in_the_path(pattern, tmp_path):
    for method in ("base", "kd"):
        for seed in (1, 2):
            write_results(tmp_path / pattern.format(method, seed), eval_accuracy=0.6 + seed / 10)
    table = read_scores(tmp_path, metric="eval_accuracy")
    rows = set(table[["method", "seed", "score", "metric"]].itertuples(index=False, name=None))
    assert rows == {
        (method, seed, 0.6 + seed / 10, "eval_accuracy")
        for method in ("base", "kd")
        for seed in (1, 2)
    }


def test_parts_of_the_path_are_columns(tmp_path):
    for task in ("rte", "mrpc"):
        for arm in ("base", "kd"):
            write_results(tmp_path / task / arm / "seed1", eval_accuracy=0.7)
    columns = {"task": "folder.1", "method": "folder.2", "seed": "seed"}
    table = read_scores(tmp_path, "eval_accuracy", columns)
    assert {*zip(table["task"], table["method"], strict=True)} == {
        (task, arm) for task in ("rte", "mrpc") for arm in ("base", "kd")
    }


@pytest.mark.parametrize(
    ("more", "score"),
    [
        ({}, 0.6),
        ({"best_global_step": 200, "best_metric": 0.8}, 0.8),
        ({"best_model_checkpoint": "/gone/run/checkpoint-100", "best_metric": 0.7}, 0.7),
    ],
)
def test_the_state_gives_the_best_evaluation_where_one_was_kept_else_the_last(
    more, score, tmp_path
):
    write_state(tmp_path / "base-seed1", [0.7, 0.8, 0.6], **more)
    write_state(tmp_path / "kd-seed1" / "checkpoint-100", [0.1])
    write_state(tmp_path / "kd-seed1" / "checkpoint-300", [0.7, 0.8, 0.6], **more)
    table = read_scores(tmp_path, metric="eval_accuracy")
    assert dict(zip(table["method"], table["score"], strict=True)) == {"base": score, "kd": score}


def test_final_results_go_before_the_state_and_lack_what_it_has(tmp_path):
    for arm in ("base", "kd"):
        write_results(tmp_path / arm / "seed1", eval_accuracy=0.9, predict_accuracy=0.5)
        write_state(tmp_path / arm / "seed1", [0.7, 0.8])
    for metric, score in (("eval_accuracy", 0.9), ("predict_accuracy", 0.5), ("eval_loss", 0.2)):
        assert read_scores(tmp_path, metric=metric)["score"].tolist() == pytest.approx([score] * 2)


def test_speed_is_no_score_and_a_pickle_is_never_opened(tmp_path):
    for arm in ("base", "kd"):
        write_results(tmp_path / arm / "seed1", eval_accuracy=0.9)
        (tmp_path / arm / "seed1" / "training_args.bin").symlink_to("/dev/full/nothing")
    with pytest.raises(ScoresError, match="if one of eval_accuracy is the metric") as error:
        read_scores(tmp_path)
    assert "--metric eval_accuracy" in str(error.value)


def test_folders_that_say_nothing_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScoresError, match=r"neither all_results\.json nor trainer_state\.json"):
        read_scores(tmp_path / "empty")
    write_state(tmp_path / "base-seed1", [])
    with pytest.raises(ScoresError, match=r"base-seed1: no evaluation in all_results\.json"):
        read_scores(tmp_path)
    (tmp_path / "base-seed1" / "trainer_state.json").write_text('{"log_history": [')
    with pytest.raises(ScoresError, match=r"not JSON .* cut short"):
        read_scores(tmp_path)


def test_without_a_seed_in_the_path_one_is_asked_for(tmp_path):
    for arm in ("base", "kd"):
        write_results(tmp_path / arm, eval_accuracy=0.9)
    with pytest.raises(ScoresError, match=r"no column seed; it has folder\.1, method"):
        read_scores(tmp_path, metric="eval_accuracy")
