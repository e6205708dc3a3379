"""A baseline that learned nothing is named beside the verdicts on what was compared with it."""

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

from benchmark.answer.chance import notes_on_chance
from benchmark.record.of_study import scores_table
from benchmark.record.study_record import RecordedCell, StudyRecord
from stats import Judging
from tests.benchmark.recorded import INITS
from trainers.metrics import METRICS, best_constant

#: 60 of 100 examples have label 1.
LABELS = np.repeat([0, 1, 2], [30, 60, 10])


@pytest.fixture
def noted(query, writer, tmp_path):
    """The notes on baselines with these accuracies, one for each seed."""

    def notes(*accuracies: float, keeps: bool = True, metric: str = "accuracy") -> list[str]:
        experiment = writer.experiment("chance")
        cells = []
        for seed, accuracy in enumerate(accuracies):
            key = f"{accuracies}{keeps}{metric}{seed}"
            run = writer.start(experiment, key, {"key": key}, {})
            if keeps:
                file = tmp_path / "predictions.npz"
                np.savez(file, test_labels=LABELS, test_logits=np.zeros((100, 3)))
                writer.attach(run, file)
            writer.end(run, "FINISHED", "finished", {}, {f"test/{metric}": accuracy})
            arm = {"model": "m", "init": INITS[1], "method": "base", "task": "t", "seed": seed}
            cells.append(RecordedCell(key=key, metric=metric, **arm))
        record = StudyRecord(
            study="chance",
            study_file="chance.py",
            study_digest="",
            baseline="base",
            candidates=("ls",),
            judging=Judging(),
            sizes={},
            seeds=tuple(range(len(cells))),
            cells=tuple(cells),
        )
        finished = query.finished()
        table = scores_table(record, query, finished, None, "test")
        return notes_on_chance(record, table, query, finished)

    return notes


def test_a_baseline_no_better_than_the_commonest_class_is_named(noted):
    (line,) = noted(59.0, 61.0, 60.0, 62.0)
    assert line.startswith("base (m · scratch · t) learned nothing that shows: accuracy 60.50, ")
    assert "60.00 for always the same answer" in line


def test_a_baseline_that_learned_is_not(noted):
    assert noted(62.0, 63.0, 62.0, 63.0) == []


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("scores", [(95.0, 70.0), (88.0, 90.0, 31.0), (71.0, 72.0, 61.0, 60.0)])
def test_a_wide_interval_or_a_collapsed_seed_is_not_a_baseline_that_learned_nothing(noted, scores):
    assert noted(*scores) == []


def test_below_chance_is_nothing_learned_either(noted):
    assert len(noted(20.0, 21.0, 20.0, 21.0)) == 1


def test_one_seed_has_no_spread_to_judge_by(noted):
    assert noted(60.0) == []


def test_a_metric_of_probabilities_has_no_constant_answer(noted):
    assert noted(1.1, 1.2, 1.1, metric="nll") == []


def test_runs_without_predictions_are_not_judged(noted):
    assert noted(10.0, 11.0, 10.0, keeps=False) == []


def test_eight_steps_on_three_digits_teach_nothing_and_every_answer_says_so(bench, small):
    told = bench("run", small).stdout
    assert "base (resnet-8 · scratch · digits/567) learned nothing that shows" in told
    found = json.loads(bench("stats", "--format", "json").stdout)
    assert any("for always the same answer" in note for note in found["notes"])


@pytest.mark.parametrize("labels", [LABELS, LABELS % 2, np.array([1, 1, 1, 0]), np.array([0, 1])])
def test_the_best_constant_is_that_of_scikit_learn(labels):
    classes = max(2, int(labels.max()) + 1)
    answers = [np.full_like(labels, k) for k in range(classes)]
    average = "binary" if classes == 2 else "macro"
    f1 = max(f1_score(labels, a, average=average, zero_division=0) for a in answers)
    assert best_constant("f1", labels, classes) == pytest.approx(100 * f1)
    commonest = np.bincount(labels).max()
    assert best_constant("accuracy", labels, classes) == 100 * commonest / len(labels)
    matthews = max(matthews_corrcoef(labels, a) for a in answers)
    assert best_constant("matthews", labels, classes) == pytest.approx(100 * matthews)
    assert all(best_constant(m, labels, classes) is None for m in METRICS[3:])
