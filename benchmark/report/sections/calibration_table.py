"""How far the probabilities of each arm can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.report.gather import PLACE, Gathered
from benchmark.report.sections.tables import (
    by_place,
    mean_sd_and_interval,
    over_seeds,
    records,
)
from stats.report.sheet import Sheet

if TYPE_CHECKING:
    import pandas as pd

#: Scores of probabilities that runs record beside their accuracy, with what they are called.
OF_PROBABILITIES = {
    "ece": "expected calibration error [points]",
    "nll": "negative log-likelihood",
    "brier": "Brier score",
}


def calibrations(gathered: Gathered) -> pd.DataFrame:
    """Every score of probabilities that runs have over seeds, on test.

    Returns:
        What :func:`over_seeds` returns of each score; one that no run has has no columns.
    """
    import pandas as pd

    rows = [
        cell.place | {name: run.scores.get(f"test/{name}") for name in OF_PROBABILITIES}
        for cell, run in gathered.runs
    ]
    table = pd.DataFrame(rows, columns=[*PLACE, *OF_PROBABILITIES])
    known = [name for name in OF_PROBABILITIES if table[name].notna().any()]
    return over_seeds(table, known)


def calibration_sheet(gathered: Gathered) -> Sheet | None:
    """Scores of probabilities on test, mean and sd over seeds; None where no run has any."""
    table = calibrations(gathered)
    known = {n: title for n, title in OF_PROBABILITIES.items() if f"{n}_mean" in table}
    if not known or gathered.written.arms:  # texts have a likelihood, and no class to be sure of
        return None
    cells = [
        tuple(mean_sd_and_interval(row, name) for name in known) for row in table.to_dict("records")
    ]
    return Sheet(
        kind="calibration",
        title="Calibration",
        header=(
            "How far the probabilities of an arm can be trusted, on test, as they come: mean ± sd "
            "over seeds and the mean's 95 % t interval; less is better. The calibration error is "
            "that of the most likely class, in 15 bins of equal width.",
        ),
        tables=(by_place(table, list(known.values()), cells),),
        records=records(table),
        whole={"calibration": records(table)},
        warnings=tuple(
            f"the reliability diagrams leave out a run: {each}"
            for each in gathered.calibrated.left_out
        ),
    )
