from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared"

SEEDS = (42, 7, 1, 13, 21, 87, 100, 5)


@pytest.fixture(scope="session")
def reference() -> Callable[[str], dict[str, Any]]:
    path = SHARED / "stats" / "reference_cases.json"
    if not path.exists():
        pytest.skip(f"the published cases are not beside the repository ({path.name})")
    cases = {case["id"]: case for case in json.loads(path.read_text())}
    return lambda name: cases[name]


def make_scores(
    effects: dict[tuple[str, str], float],
    seeds: tuple[int, ...] = SEEDS,
    noise: float = 0.2,
    **columns: str,
) -> pd.DataFrame:
    """Scores of 60 plus a seed effect plus the effect of each (init, method), reproducibly."""
    random = np.random.default_rng(2022)
    shared = dict(zip(seeds, random.normal(0, 1.5, len(seeds)), strict=True))
    rows = [
        {"init": init, "method": method, "seed": seed, "score": 60 + shared[seed] + effect + error}
        for (init, method), effect in effects.items()
        for seed, error in zip(seeds, random.normal(0, noise, len(seeds)), strict=True)
    ]
    return pd.DataFrame(rows).assign(model="tiny", task="docstrings", split="test", **columns)


@pytest.fixture
def table() -> pd.DataFrame:
    effects = {
        (init, method): effect * (1.0 if init == "scratch" else 0.05)
        for init in ("pretrained", "scratch")
        for method, effect in (("base", 0), ("ls", 1.5), ("tf_reg", 0.4), ("kd", 3))
    }
    return make_scores(effects, metric="accuracy")
