"""What probes say in a report: verdicts at each link, scores along chains, shapes of features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.answer.probed import Probed
from benchmark.report.gather import PLACE, Gathered
from benchmark.report.sections.tables import by_place, mean_and_sd, records
from stats.report.sections.links import links_sheet
from stats.report.sections.verdicts import analysis_sheet, comparison_rows
from stats.report.sheet import Sheet, TextTable, Words

if TYPE_CHECKING:
    import pandas as pd

#: What is shown of encoders, by the name under which their probes record it.
_SHOWN = {
    "cka": "CKA with the untouched encoder",
    "effective_rank": "effective rank",
}


def probe_sheets(gathered: Gathered) -> Iterator[tuple[Sheet, tuple[TextTable, ...]]]:
    """Every sheet on probes, with its tables on a page; none where nothing was probed."""
    probed = gathered.probed
    if probed is None:
        return
    if probed.analysis:
        sheet = replace(analysis_sheet(probed.analysis), kind="probes", title="Probes")
        yield sheet, (comparison_rows(probed.analysis),)
    for found in probed.links:
        sheet = replace(links_sheet(found), title="Probes along the chain")
        said = set(probed.analysis.warnings if probed.analysis else ())
        fresh = tuple(each for each in sheet.warnings if each not in said)
        yield replace(sheet, warnings=fresh), sheet.tables
    for beside in (encoders_sheet(gathered, probed), missing_sheet(probed)):
        if beside:
            yield beside, beside.tables


def encoders(gathered: Gathered, probed: Probed) -> pd.DataFrame:
    """Mean and sd over seeds of what each encoder that was probed scores, and of its shape.

    Returns:
        The columns of a place, and `score`, `cka` and `effective_rank` as `…_mean` and `…_sd`.
    """
    import pandas as pd

    rows = []
    for cell in probed.record.cells:
        if done := gathered.finished.get(cell.key):
            shape = (done.scores.get(f"features/{name}") for name in _SHOWN)
            score = done.scores.get(f"test/{cell.metric}")
            rows.append([*cell.place.values(), score, *shape])
    columns = ["score", *_SHOWN]
    table = pd.DataFrame(rows, columns=[*PLACE, *columns]).astype(dict.fromkeys(columns, float))
    grouped = table.groupby(list(PLACE), sort=False)[columns]
    mean, sd = grouped.mean().reset_index(), grouped.std().reset_index()
    return mean.merge(sd, on=list(PLACE), suffixes=("_mean", "_sd"))


def encoders_sheet(gathered: Gathered, probed: Probed) -> Sheet | None:
    """Probe scores of arms and anchors, and the shape of features; None where none is there."""
    table = encoders(gathered, probed)
    if table.empty:
        return None
    names = {"score": f"probe [{_metrics(probed)}]", **_SHOWN}
    cells = [
        tuple(mean_and_sd(row[f"{name}_mean"], row[f"{name}_sd"]) for name in names)
        for row in table.to_dict("records")
    ]
    return Sheet(
        kind="encoders",
        title="Frozen encoders",
        header=(
            "What a logistic regression on the frozen encoder scores on test, and the shape of "
            "what the encoder says of dev: mean ± sd over seeds. The anchors are the encoder "
            "before all training, and one of random weights.",
            "CKA: debiased linear centred kernel alignment (Kornblith et al. 2019); 1 is the "
            "untouched encoder's representation up to rotation and scale, 0 an unrelated one. "
            "Effective rank (Roy and Vetterli 2007): between 1, all examples on one line, and the "
            "number of features. Neither needs a label. To judge them as any score: bench stats "
            "--probes --split features --metric effective_rank --higher-is-better.",
        ),
        tables=(by_place(table, list(names.values()), cells),),
        records=records(table),
        whole={"encoders": records(table)},
        warnings=(),
    )


def missing_sheet(probed: Probed) -> Sheet | None:
    """Probes without a score, and why; None where all have one."""
    lost = probed.scores[probed.scores["score"].isna()]
    if lost.empty and not probed.unsaid:
        return None
    named = [*PLACE, "seed", "status"]
    rows = tuple(tuple(str(each) for each in row) for row in lost[named].to_numpy())
    table = TextTable("", (*map(Words, PLACE), "seed", Words("what became of it")), rows)
    return Sheet(
        kind="missing_probes",
        title="Probes that are not there",
        header=(f"{len(rows)} of {len(probed.scores)} probes have no score on test.",),
        tables=(table,) if rows else (),
        records=records(lost[named]),
        whole={"missing_probes": records(lost[named])},
        warnings=probed.unsaid,
    )


def _metrics(probed: Probed) -> str:
    return ", ".join(dict.fromkeys(cell.metric for cell in probed.record.cells))
