"""What a report says beside its verdicts, laid out as sheets for every format."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.record.study_record import RecordedSearch
from benchmark.report.gather import PLACE, Gathered
from benchmark.report.search_figures import without_figures
from benchmark.report.sections.costs import (
    UNITS,
    WEIGHTS,
    any_pruned,
    costs,
    load_line,
    remarks,
)
from benchmark.report.sections.tables import by_place, mean_and_sd, records, where
from stats.many_tasks.pooled import Pooled
from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import digits, sentences, wording
from stats.verdicts.analyse import Analysis

if TYPE_CHECKING:
    import pandas as pd

#: Columns of a table of costs, with their headings; what no run knows is left out.
COSTS = {
    "relative_flops": "FLOPs a step [base = 1]",
    "gpu_seconds": "training [GPU s]",
    "teacher_gpu_seconds": "its teacher [GPU s]",
    "total_gpu_seconds": "both [GPU s]",
    "pretraining_gpu_seconds": "pre-training [GPU s]",
    "cpu_seconds": "training [CPU s]",
    "teacher_cpu_seconds": "its teacher [CPU s]",
    "total_cpu_seconds": "both [CPU s]",
    "pretraining_cpu_seconds": "pre-training [CPU s]",
    "peak_memory_mb": "peak memory [MB]",
    "gpu_joules": "training [GPU J]",
    "parameters": "parameters",
    "nonzero_parameters": "of them not zero",
}
#: Tags that say with what a run was made.
PROVENANCE = ("git_commit", "python", "platform", "hardware")


def findings_sheet(results: Sequence[Analysis | Pooled]) -> Sheet:
    """The question, and every verdict in words."""
    lines: list[str] = []
    records: list[dict[str, str]] = []
    for result in results:
        found = sentences.findings(result)
        if isinstance(result, Analysis):
            found += sentences.interaction_findings(result)
        lines += [": ".join(filter(None, (each.verdict, each.place, each.text))) for each in found]
        records += [
            {"place": each.place, "verdict": each.verdict, "text": each.text} for each in found
        ]
    question = sentences.question(results[0])
    return Sheet(
        kind="findings",
        title="Verdicts",
        header=(question, *map(sentences.tally, results), sentences.caution(results[-1])),
        sentences=tuple(lines),
        tables=(),
        records=tuple(records),
        whole={"question": question, "findings": records},
        warnings=(),
    )


def curves_sheet(gathered: Gathered) -> Sheet | None:
    """Score on dev by epoch; None where no run has more than one."""
    curves = gathered.curves
    if curves["epoch"].nunique() < 2:
        return None
    return Sheet(
        kind="curves",
        title="Learning curves",
        header=("Score on dev after each epoch; each run is scored on test at its best epoch.",),
        tables=(),
        records=records(curves),
        whole={"curves": records(curves)},
        warnings=(),
    )


def cost_sheet(gathered: Gathered) -> Sheet:
    """FLOPs, time of processors and accelerators, and memory of a run of each arm."""
    table = costs(gathered)
    columns = {name: title for name, title in COSTS.items() if _is_worth_a_column(table, name)}
    cells = [
        tuple(_shown(name, row[name], row[f"{name}_sd"]) for name in columns)
        for row in table.to_dict("records")
    ]
    title, places = wording.places(where(table, "method"))
    lines = (
        "Mean of one run ± sd over its seeds, in time of the processors and, where there is one, "
        "of the accelerator: on the wall others' work would count too. A teacher and a "
        "pre-training are charged whole to every run that needs them, as to somebody who trains "
        "that one run.",
        "Weights that are zero are computed all the same: dense kernels are no faster for them."
        if any_pruned(table)
        else "",
        "" if table["measured"].any() else "Not measured: processor time, in any of these runs.",
        load_line(table),
    )
    return Sheet(
        kind="cost",
        title="Cost",
        header=tuple(filter(None, lines)),
        tables=(by_place(table, list(columns.values()), cells),),
        records=records(table),
        whole={"cost": records(table)},
        warnings=tuple(remarks(table, [place or title for place in places])),
    )


def _shown(name: str, mean: float, sd: float) -> str:
    """A cost with its spread; weights are counted, and nearly as many at every seed."""
    if name in WEIGHTS:
        return f"{mean:,.0f}" if math.isfinite(mean) else wording.ABSENT
    return mean_and_sd(mean, sd)


def _is_worth_a_column(table: pd.DataFrame, name: str) -> bool:
    """Whether any run knows this cost; that of teachers and pre-training, if any run has such.

    Weights are counted where some were pruned.
    """
    if name in WEIGHTS:
        return any_pruned(table)
    unit = next((unit for unit in UNITS if f"{unit}_seconds" in name), None)
    if unit is None or name == f"{unit}_seconds":
        return bool(table[name].notna().any())
    known = table[[f"{unit}_seconds", f"total_{unit}_seconds"]].notna().any(axis=None)
    what = f"teacher_{unit}_seconds" if name.startswith("total") else name
    return bool(known and (table[what] != 0).any())


def failures_sheet(gathered: Gathered) -> Sheet:
    """Cells of the comparison without a score, and why."""
    lost = gathered.scores[gathered.scores["score"].isna()]
    named = [*PLACE, "seed", "status"]
    rows = tuple(tuple(str(each) for each in row) for row in lost[named].to_numpy())
    count, total = len(rows), len(gathered.scores)
    said = f"{count} of {total} runs of the comparison have no score on test"
    if not count:
        said = f"None: each of the {total} runs of the comparison has its score"
    table = TextTable("", (*map(Words, PLACE), "seed", Words("what became of it")), rows)
    return Sheet(
        kind="failures",
        title="Failed and dropped seeds",
        header=(f"{said}.",),
        tables=(table,) if count else (),
        records=records(lost[named]),
        whole={"failures": records(lost[named])},
        warnings=(),
    )


def tuning_sheet(gathered: Gathered) -> Sheet | None:
    """What was tuned over what, and what came of it; None where nothing was."""
    searched = gathered.record.tuning
    if not searched:
        return None
    from benchmark.tuning.notes import setting

    rows = tuple(
        (
            each.search,
            str(each.trials),
            str(each.pruned),
            "no setting" if each.best is None else setting(each.best),
            "" if each.dev is None else wording.score(each.dev, digits.decimals(each.dev)),
            ", ".join(f"{n} {share:.2f}" for n, share in each.importances.items()),
        )
        for each in searched
    )
    heading = (
        *(Words("search"), "settings", "pruned"),
        *(Words("chosen"), "on dev", Words("importance")),
    )
    return Sheet(
        kind="tuning",
        title="Tuning",
        header=("On dev, with seeds of its own; test data were opened only by the runs above.",),
        tables=(TextTable("", heading, rows).without_empty("importance"),),
        records=tuple(_flat(each) for each in searched),
        whole={"tuning": [asdict(each) for each in searched]},
        warnings=tuple(without_figures(gathered)),
        notes=tuple(gathered.notes),
    )


def repeat_sheet(gathered: Gathered) -> Sheet:
    """The command, and with what the runs were made."""
    record = gathered.record
    tags = [run.tags for _, run in gathered.runs]
    versions = sorted({name for each in tags for name in each if name.startswith("version.")})
    found = {
        "command": [shlex.join(["bench", "run", str(_near(Path(record.study_file)))])],
        "SHA-256 of the study file": [record.study_digest],
        "seeds": [", ".join(map(str, record.seeds))],
        **{name.replace("_", " "): _distinct(tags, name) for name in PROVENANCE},
        **{name.removeprefix("version."): _distinct(tags, name) for name in versions},
        **{
            f"data of {task}": _distinct(
                [run.tags for cell, run in gathered.runs if cell.task == task],
                "data_fingerprint",
            )
            for task in dict.fromkeys(cell.task for cell in record.cells)
        },
    }
    rows = tuple((name, "; ".join(values)) for name, values in found.items() if values)
    return Sheet(
        kind="repeat",
        title="How to repeat it",
        header=(
            "The same command on the same versions and data gives the same scores, bit for bit on "
            "the same kind of processor; what is in the record is not trained again.",
        ),
        tables=(TextTable("", (Words("what"), Words("value")), rows),),
        records=tuple({"what": name, "value": value} for name, value in rows),
        whole={"repeat": dict(rows)},
        warnings=(),
    )


def _near(path: Path) -> Path:
    """A path as seen from here; one that lies elsewhere without what is nobody's business."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)


def _distinct(tags: Iterable[Mapping[str, str]], name: str) -> list[str]:
    """The values of a tag, with how many runs have each where they differ."""
    counts = Counter(each[name] for each in tags if name in each)
    if len(counts) < 2:
        return list(counts)
    return [f"{value} ({count} runs)" for value, count in counts.most_common()]


def _flat(each: RecordedSearch) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, dict) else value
        for name, value in asdict(each).items()
        if name != "members"
    }
