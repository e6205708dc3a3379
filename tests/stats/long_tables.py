"""Scores as an array turned into the tidy table, for tests of several arms."""

from __future__ import annotations

import numpy as np
import pandas as pd


def long_table(scores: np.ndarray, metric: str = "accuracy") -> pd.DataFrame:
    """Scores of shape (tasks, seeds, methods): tasks t0, t1, …, methods m0, m1, …."""
    tasks, seeds, methods = np.indices(scores.shape).reshape(3, -1)
    named = {"task": [f"t{i}" for i in tasks], "seed": seeds, "method": [f"m{i}" for i in methods]}
    return pd.DataFrame(named | {"metric": metric, "score": scores.ravel()})
