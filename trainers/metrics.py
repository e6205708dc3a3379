"""Scores of a classifier from its logits: how often right, and how well calibrated.

Shares (accuracy, F1, Matthews, ECE) are in percent points, so that a margin of 1 is one point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

#: Raised when the same logits would give other scores.
REVISION = 1

Logits = NDArray[np.floating]
TrueLabels = NDArray[np.integer]


def accuracy(logits: Logits, labels: TrueLabels) -> float:
    """Share of examples whose most likely class is right, in percent."""
    return 100.0 * float(np.mean(logits.argmax(-1) == labels))


def f1(logits: Logits, labels: TrueLabels) -> float:
    """F1 in percent: of class 1 where there are two classes (as in GLUE), else the macro mean."""
    from sklearn.metrics import f1_score  # half a second that only these two metrics pay

    binary = logits.shape[1] == 2
    average = "binary" if binary else "macro"
    return 100.0 * float(f1_score(labels, logits.argmax(-1), average=average, zero_division=0))


def matthews(logits: Logits, labels: TrueLabels) -> float:
    """Matthews correlation of predicted and true class, times 100."""
    from sklearn.metrics import matthews_corrcoef

    return 100.0 * float(matthews_corrcoef(labels, logits.argmax(-1)))


def nll(logits: Logits, labels: TrueLabels) -> float:
    """Mean negative log-likelihood of the true class, in nats."""
    return float(-log_softmax(logits, -1)[np.arange(len(labels)), labels].mean())


def brier(logits: Logits, labels: TrueLabels) -> float:
    """Mean over examples of Σ_k (p_k − y_k)², between 0 and 2 (Brier 1950).

    >>> brier(np.array([[0.0, 0.0]]), np.array([1]))
    0.5
    """
    p = softmax(logits, -1)
    p[np.arange(len(labels)), labels] -= 1
    return float((p**2).sum(-1).mean())


def ece(logits: Logits, labels: TrueLabels, bins: int = 15, equal_mass: bool = False) -> float:
    """Expected calibration error of the top label, in percent (Guo et al. 2017).

    Args:
        logits: shape (n, K).
        labels: shape (n,).
        bins: number of bins over the confidence.
        equal_mass: bins with equally many examples instead of equal width, right-closed.

    >>> round(ece(np.log(np.array([[0.8, 0.2], [0.8, 0.2]])), np.array([0, 1])), 6)
    30.0
    """
    p = softmax(logits, -1)
    confidence, right = p.max(-1), p.argmax(-1) == labels
    if equal_mass:
        groups = np.array_split(np.argsort(confidence, kind="stable"), bins)
    else:
        place = np.ceil(confidence * bins).astype(int).clip(1, bins)
        groups = [np.flatnonzero(place == b) for b in range(1, bins + 1)]
    gaps = [len(g) * abs(confidence[g].mean() - right[g].mean()) for g in groups if len(g)]
    return 100.0 * float(sum(gaps)) / len(labels)


def temperature(logits: Logits, labels: TrueLabels) -> float:
    """The temperature that minimises the negative log-likelihood, between 1/20 and 20."""
    from scipy.optimize import minimize_scalar

    bound = np.log(20.0)
    found = minimize_scalar(
        lambda log_t: nll(logits / np.exp(log_t), labels), bounds=(-bound, bound), method="bounded"
    )
    return float(np.exp(found.x))


_PLAIN = {"accuracy": accuracy, "f1": f1, "matthews": matthews}
_CALIBRATION = {"nll": nll, "brier": brier, "ece": ece}

#: Every metric of :func:`scores`; "scaled" means after temperature scaling on dev.
METRICS = (*_PLAIN, *_CALIBRATION, "ece_mass", *(f"{name}_scaled" for name in _CALIBRATION))


#: Metrics that may select a checkpoint, and whether more of them is better.
SELECTS = {
    "accuracy": True,
    "f1": True,
    "matthews": True,
    "nll": False,
    "brier": False,
    "ece": False,
}


def score(name: str, logits: Logits, labels: TrueLabels) -> float:
    """One metric of :data:`SELECTS`."""
    return (_PLAIN | _CALIBRATION)[name](logits, labels)


def gap(name: str, train: tuple[Logits, TrueLabels], dev: tuple[Logits, TrueLabels]) -> float:
    """How much better one metric of :data:`SELECTS` is on train than on dev, in its own units.

    >>> right, wrong = np.array([[4.0, 0.0]]), np.array([[0.0, 4.0]])
    >>> gap("accuracy", (right, np.array([0])), (wrong, np.array([0])))
    100.0

    Args:
        name: of the metric.
        train: logits of shape (n, K) and labels of shape (n,).
        dev: the same of other examples.
    """
    better = score(name, *train) - score(name, *dev)
    return better if SELECTS[name] else -better


def best_constant(name: str, labels: TrueLabels, classes: int) -> float | None:
    """Most that one answer for every example scores; None for a metric of probabilities.

    >>> best_constant("accuracy", np.array([0, 1, 1, 2]), 3)
    50.0
    """
    if name not in _PLAIN:
        return None
    answers = np.repeat(np.eye(classes)[:, None], len(labels), axis=1)
    return max(_PLAIN[name](answer, labels) for answer in answers)


def all_scores(logits: Logits, labels: TrueLabels, dev_temperature: float) -> dict[str, float]:
    """All metrics of one split.

    Calibration is given as it is and after temperature scaling, without which label smoothing's
    calibration is confounded with its confidence.

    Args:
        logits: shape (n, K).
        labels: shape (n,), 0 … K−1.
        dev_temperature: from :func:`temperature` on the dev split.
    """
    logits = np.asarray(logits, np.float64)
    found = {name: metric(logits, labels) for name, metric in (_PLAIN | _CALIBRATION).items()}
    found["ece_mass"] = ece(logits, labels, equal_mass=True)
    scaled = logits / dev_temperature
    return found | {f"{name}_scaled": m(scaled, labels) for name, m in _CALIBRATION.items()}
