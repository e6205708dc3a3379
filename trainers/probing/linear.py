"""A linear probe: logistic regression on features that stay as they are."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainers import metrics
from trainers.errors import Diverged, TaskError
from trainers.probing.features import Features
from trainers.tasks import Split

#: Raised when the same features would give another probe.
REVISION = 1
#: Strengths of the L2 penalty ½λ‖W‖² beside the mean loss of an example, the strongest first.
PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
#: Steps of L-BFGS for each of them, each from where the one before it ended.
_STEPS = 300


@dataclass(frozen=True)
class Probe:
    """A probe, chosen on dev among those of :data:`PENALTIES`.

    Attributes:
        penalty: of the chosen one.
        logits: by split, shape (n, K).
    """

    penalty: float
    logits: dict[Split, NDArray[np.float32]]


def fit_probe(features: Features, metric: str, classes: int) -> Probe:
    """Fit one probe for each penalty on train, and keep the best on dev; of equals the strongest.

    Multinomial logistic regression of scikit-learn (L-BFGS). Features are centred by the means of
    train, and divided by one number, the root of their mean variance there, so that a penalty
    means as much for every encoder, and directions that have shrunk stay as small as they are.

    Args:
        features: of one encoder on one task.
        metric: one of `metrics.SELECTS`, of which the best on dev is kept.
        classes: K, of which train may lack some.

    Raises:
        Diverged: a feature is no finite number.
        TaskError: train has a single class.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    scaled = _scaled(features)
    labels, sign = features.labels["train"], 1 if metrics.SELECTS[metric] else -1
    if len(np.unique(labels)) < 2:
        raise TaskError("a probe needs two classes or more in train.")
    model = LogisticRegression(tol=1e-4, max_iter=_STEPS, warm_start=True)
    best, chosen = -np.inf, Probe(PENALTIES[0], {})
    for penalty in PENALTIES:
        model.set_params(C=1 / (penalty * len(labels)))
        with warnings.catch_warnings():  # a weak penalty on many classes need not end
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(scaled["train"], labels)
        on_dev = _logits(model, scaled["dev"], classes)
        worth = sign * metrics.score(metric, on_dev, features.labels["dev"])
        if worth > best:
            best = worth
            said: dict[Split, NDArray[np.float32]] = {}
            said |= {"dev": on_dev, "test": _logits(model, scaled["test"], classes)}
            chosen = Probe(penalty, said)
    return chosen


def _scaled(features: Features) -> dict[Split, NDArray[np.float64]]:
    train = np.asarray(features.values["train"], np.float64)
    if not np.isfinite(train).all():
        raise Diverged("the features of its encoder are infinite or not a number.")
    mean, scale = train.mean(0), float(np.sqrt(train.var(0).mean()))
    by = scale or 1.0  # of an encoder that says the same of everything
    return {
        split: (np.asarray(values, np.float64) - mean) / by
        for split, values in features.values.items()
    }


def _logits(model: object, values: NDArray[np.float64], classes: int) -> NDArray[np.float32]:
    """Shape (n, K); a class that train lacks is never the most likely."""
    weights, shifts, known = (getattr(model, n) for n in ("coef_", "intercept_", "classes_"))
    said = values @ weights.T + shifts
    if len(known) == 2:  # of which scikit-learn keeps the second alone
        said = np.hstack([np.zeros_like(said), said])
    logits = np.full((len(values), classes), said.min() - 100.0, np.float32)
    logits[:, known] = said
    return logits
