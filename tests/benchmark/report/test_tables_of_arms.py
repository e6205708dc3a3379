"""Means over seeds, as tables of arms show them."""

import numpy as np
import pandas as pd
import pytest

from benchmark.report.gather import PLACE
from benchmark.report.sections.tables import mean_sd_and_interval, over_seeds
from stats.intervals import t_interval


def test_each_place_has_the_interval_of_its_own_seeds():
    seen = {
        ("m", "i", "base", "t"): [1.0, 2.0, 4.0, 8.0],
        ("m", "i", "kd", "t"): [3.0, 5.0, np.nan],
    }
    rows = [
        dict(zip(PLACE, place, strict=True), gap=gap)
        for place, gaps in seen.items()
        for gap in gaps
    ]
    table = over_seeds(pd.DataFrame(rows), ["gap"])
    for row, gaps in zip(table.to_dict("records"), seen.values(), strict=True):
        expected = t_interval([each for each in gaps if not np.isnan(each)])
        told = row["gap_mean"], row["gap_low"], row["gap_high"]
        assert told == pytest.approx((expected.mean, expected.low, expected.high))


@pytest.mark.parametrize("gaps", [[2.0], [2.0, 2.0]])
def test_what_has_no_spread_has_no_interval(gaps):
    rows = [dict.fromkeys(PLACE, "x") | {"gap": gap} for gap in gaps]
    (row,) = over_seeds(pd.DataFrame(rows), ["gap"]).to_dict("records")
    assert mean_sd_and_interval(row, "gap") == "2.00"
