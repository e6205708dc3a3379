"""Probes: logistic regression, chosen on dev, that changes nothing of what it reads."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from trainers import metrics
from trainers.errors import Diverged, TaskError
from trainers.probing.features import Features
from trainers.probing.linear import PENALTIES, fit_probe


def made(scale: float = 1.0, classes: int = 3, noise: float = 1.0, n: int = 240) -> Features:
    random = np.random.default_rng(1)
    centres = 2 * random.normal(size=(classes, 6))
    values, labels = {}, {}
    for split, size in (("train", n), ("dev", 90), ("test", 90)):
        labels[split] = np.arange(size) % classes
        drawn = centres[labels[split]] + noise * random.normal(size=(size, 6))
        values[split] = np.float32(scale * drawn + 5 * scale)
    return Features(values, labels)


def test_a_probe_finds_classes_that_lie_apart():
    features = made(noise=0.1)
    probe = fit_probe(features, "accuracy", 3)
    assert metrics.accuracy(probe.logits["test"], features.labels["test"]) == 100


def test_a_probe_sees_neither_the_scale_nor_the_place_of_features():
    one, other = fit_probe(made(), "nll", 3), fit_probe(made(scale=1e-3), "nll", 3)
    assert one.penalty == other.penalty
    assert other.logits["test"] == pytest.approx(one.logits["test"], abs=0.02)


def test_it_is_the_best_on_dev_of_its_grid_and_the_strongest_of_equals():
    features = made(noise=3.0)
    train = np.float64(features.values["train"])
    mean, by = train.mean(0), np.sqrt(train.var(0).mean())
    scores = []
    for penalty in PENALTIES:
        model = LogisticRegression(C=1 / (penalty * len(train)), max_iter=2000, tol=1e-6)
        model.fit((train - mean) / by, features.labels["train"])
        on_dev = model.decision_function((features.values["dev"] - mean) / by)
        scores.append(metrics.accuracy(on_dev, features.labels["dev"]))
    assert fit_probe(features, "accuracy", 3).penalty == PENALTIES[int(np.argmax(scores))]


def test_two_classes_have_two_logits():
    features = made(classes=2, noise=0.1)
    probe = fit_probe(features, "accuracy", 2)
    assert probe.logits["dev"].shape == (90, 2)
    assert metrics.accuracy(probe.logits["dev"], features.labels["dev"]) == 100


def test_a_class_that_train_lacks_is_never_said():
    features = made()
    features.labels["train"] = features.labels["train"] % 2 * 2  # no 1 among 0, 1, 2
    logits = fit_probe(features, "accuracy", 3).logits["test"]
    assert logits.shape == (90, 3)
    assert set(logits.argmax(1)) <= {0, 2}


def test_an_encoder_that_says_the_same_of_everything_is_probed_at_chance():
    features = made()
    for split, values in features.values.items():
        features.values[split] = np.full_like(values, 0.5)
    probe = fit_probe(features, "accuracy", 3)
    assert metrics.accuracy(probe.logits["test"], features.labels["test"]) == pytest.approx(
        100 / 3, abs=0.1
    )


def test_what_cannot_be_probed_is_refused():
    features = made()
    features.labels["train"] = np.zeros_like(features.labels["train"])
    with pytest.raises(TaskError, match="two classes or more"):
        fit_probe(features, "accuracy", 3)
    features = made()
    features.values["train"][3, 2] = np.inf
    with pytest.raises(Diverged, match="infinite or not a number"):
        fit_probe(features, "accuracy", 3)
