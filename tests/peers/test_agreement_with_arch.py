"""arch 7: bootstrap intervals of a mean, to Monte Carlo error."""

from __future__ import annotations

import numpy as np
import pytest

from stats import bootstrap_interval

bootstrap = pytest.importorskip(
    "arch.bootstrap", reason="arch is not installed here; see make peers"
)

RESAMPLES = 20_000


def error_of_mean(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


@pytest.mark.parametrize("law", ["normal", "exponential"])
@pytest.mark.parametrize(
    ("ours", "theirs", "n"),
    [
        ("percentile", "percentile", 8),
        ("percentile", "percentile", 24),
        ("bca", "bca", 24),
        ("bootstrap-t", "studentized", 24),
    ],
)
def test_intervals_agree(law: str, ours: str, theirs: str, n: int):
    values = getattr(np.random.default_rng(n), law)(size=n)
    found = bootstrap_interval(values, ours, resamples=99_999)
    options = {} if theirs != "studentized" else {"std_err_func": lambda m, x: error_of_mean(x)}
    drawn = bootstrap.IIDBootstrap(values, seed=1)
    low, high = drawn.conf_int(np.mean, RESAMPLES, method=theirs, **options)[:, 0]
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05 * (high - low))
