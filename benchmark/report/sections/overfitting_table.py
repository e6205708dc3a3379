"""How much better each arm does on what it was trained on."""

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

_GAP, _LOST, _LIKELIHOOD = "gap", "lost", "nll_gap"
#: What is shown, with what it is called.
_SHOWN = {
    _GAP: "train − dev",
    _LIKELIHOOD: "negative log-likelihood, dev − train",
    _LOST: "dev lost after the selected epoch",
}


def overfitting(gathered: Gathered) -> pd.DataFrame:
    """What runs say of overfitting over seeds, in units of each task's metric.

    Returns:
        What :func:`over_seeds` returns of `gap`, `nll_gap` and `lost`; no rows where no run says
        anything.
    """
    import pandas as pd

    rows = []
    for cell, run in gathered.runs:
        said = {n.partition("/")[2]: v for n, v in run.scores.items() if n.startswith("overfit")}
        metric = cell.metric if f"{cell.metric}_gap" in said else "nll"  # of texts
        names = (f"{metric}_gap", "nll_gap", f"{metric}_lost")
        rows.append(cell.place | dict(zip(_SHOWN, map(said.get, names), strict=True)))
    table = pd.DataFrame(rows, columns=[*PLACE, *_SHOWN]).dropna(subset=list(_SHOWN))
    return over_seeds(table, [*_SHOWN])


def overfitting_sheet(gathered: Gathered) -> Sheet | None:
    """How much better arms do on what they were trained on; None where no run says so."""
    table = overfitting(gathered)
    if table.empty:
        return None
    cells = [
        tuple(mean_sd_and_interval(row, name) for name in _SHOWN)
        for row in table.to_dict("records")
    ]
    return Sheet(
        kind="overfitting",
        title="Overfitting",
        header=(
            "How much better an arm does on what it was trained on, over as many examples of train "
            "as dev has, and what dev lost from the epoch that was selected to the last (an arm "
            "that may select late epochs alone has less to lose): mean ± sd over seeds and the "
            "mean's 95 % t interval, in the metric's own units; less is better. "
            "To judge it as any score: bench stats --split overfitting --metric accuracy_gap "
            "--lower-is-better.",
        ),
        tables=(by_place(table, list(_SHOWN.values()), cells),),
        records=records(table),
        whole={"overfitting": records(table)},
        warnings=(),
    )
