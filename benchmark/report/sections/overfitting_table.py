"""How much better each arm does on what it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.report.gather import PLACE, Gathered
from benchmark.report.sections.tables import by_place, mean_and_sd, records
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
    """Mean and sd over seeds of what runs say of overfitting, in units of each task's metric.

    Returns:
        The columns of a place, and `gap`, `nll_gap` and `lost` as `…_mean` and `…_sd`; no rows
        where no run says anything.
    """
    import pandas as pd

    rows = []
    for cell, run in gathered.runs:
        said = {n.partition("/")[2]: v for n, v in run.scores.items() if n.startswith("overfit")}
        metric = cell.metric if f"{cell.metric}_gap" in said else "nll"  # of texts
        names = (f"{metric}_gap", "nll_gap", f"{metric}_lost")
        rows.append(cell.place | dict(zip(_SHOWN, map(said.get, names), strict=True)))
    table = pd.DataFrame(rows, columns=[*PLACE, *_SHOWN]).dropna(subset=list(_SHOWN))
    grouped = table.groupby(list(PLACE), sort=False)[list(_SHOWN)]
    mean, sd = grouped.mean().reset_index(), grouped.std().reset_index()
    return mean.merge(sd, on=list(PLACE), suffixes=("_mean", "_sd"))


def overfitting_sheet(gathered: Gathered) -> Sheet | None:
    """How much better arms do on what they were trained on; None where no run says so."""
    table = overfitting(gathered)
    if table.empty:
        return None
    cells = [
        tuple(mean_and_sd(row[f"{name}_mean"], row[f"{name}_sd"]) for name in _SHOWN)
        for row in table.to_dict("records")
    ]
    return Sheet(
        kind="overfitting",
        title="Overfitting",
        header=(
            "How much better an arm does on what it was trained on, over as many examples of train "
            "as dev has, and what dev lost from the epoch that was selected to the last (an arm "
            "that may select late epochs alone has less to lose): mean ± sd over seeds, in the "
            "metric's own units; less is better. "
            "To judge it as any score: bench stats --split overfitting --metric accuracy_gap "
            "--lower-is-better.",
        ),
        tables=(by_place(table, list(_SHOWN.values()), cells),),
        records=records(table),
        whole={"overfitting": records(table)},
        warnings=(),
    )
