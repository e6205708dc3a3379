"""What a report says beside its verdicts, laid out as sheets for every format."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.report.costs import costs
from benchmark.report.gather import PLACE, Gathered
from stats import Analysis, Pooled
from stats.report import sentences, wording
from stats.report.sheet import Sheet, TextTable

if TYPE_CHECKING:
    import pandas as pd

#: Scores of probabilities that runs record beside their accuracy, with what they are called.
OF_PROBABILITIES = {
    "ece": "expected calibration error [points]",
    "nll": "negative log-likelihood",
    "brier": "Brier score",
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
    """Score on dev by epoch; None where no run has a curve."""
    curves = gathered.curves
    if curves.empty:
        return None
    return Sheet(
        kind="curves",
        title="Learning curves",
        header=("Score on dev after each epoch; each run is scored on test at its best epoch.",),
        tables=(),
        records=_records(curves),
        whole={"curves": _records(curves)},
        warnings=(),
    )


def calibration_sheet(gathered: Gathered) -> Sheet | None:
    """Scores of probabilities on test, mean and sd over seeds; None where no run has any."""
    import pandas as pd

    rows = [
        {**{name: cell[name] for name in PLACE}}
        | {name: run.scores.get(f"test/{name}") for name in OF_PROBABILITIES}
        for cell, run in gathered.runs
    ]
    table = pd.DataFrame(rows)
    known = [n for n in OF_PROBABILITIES if n in table and table[n].notna().any()]
    if not known:
        return None
    grouped = table.groupby(list(PLACE), sort=False)[known]
    mean, sd = grouped.mean().reset_index(), grouped.std().reset_index()
    cells = [
        tuple(_mean_and_sd(m, s) for m, s in zip(means, sds, strict=True))
        for means, sds in zip(mean[known].to_numpy(), sd[known].to_numpy(), strict=True)
    ]
    records = mean.merge(sd, on=list(PLACE), suffixes=("_mean", "_sd"))
    return Sheet(
        kind="calibration",
        title="Calibration",
        header=(
            "How far the probabilities of an arm can be trusted, on test: mean ± sd over seeds; "
            "less is better.",
        ),
        tables=(_by_place(mean, [OF_PROBABILITIES[name] for name in known], cells),),
        records=_records(records),
        whole={"calibration": _records(records)},
        warnings=(),
    )


def cost_sheet(gathered: Gathered) -> Sheet:
    """FLOPs, seconds and memory of a run of each arm."""
    table = costs(gathered)
    columns = {
        "relative_flops": "FLOPs a step [base = 1]",
        "seconds": "training [s]",
        "teacher_seconds": "its teacher [s]",
        "total_seconds": "both [s]",
        "pretraining_seconds": "pre-training [s]",
        "peak_memory_mb": "peak memory [MB]",
    }
    if table["relative_flops"].isna().all():
        del columns["relative_flops"]
    cells = [tuple(_measured(value) for value in row) for row in table[list(columns)].to_numpy()]
    return Sheet(
        kind="cost",
        title="Cost",
        header=(
            "Mean of one run, by the clock on the wall. A teacher and a pre-training are charged "
            "whole to every run that needs them, as to somebody who trains that one run.",
        ),
        tables=(_by_place(table, list(columns.values()), cells),),
        records=_records(table),
        whole={"cost": _records(table)},
        warnings=(),
    )


def failures_sheet(gathered: Gathered) -> Sheet:
    """Cells of the comparison without a score, and why."""
    lost = gathered.scores[gathered.scores["score"].isna()]
    named = [*PLACE, "seed", "status"]
    rows = tuple(tuple(str(each) for each in row) for row in lost[named].to_numpy())
    count, total = len(rows), len(gathered.scores)
    said = f"{count} of {total} runs of the comparison have no score on test"
    if not count:
        said = f"None: each of the {total} runs of the comparison has its score"
    table = TextTable("", ("model", "init", "method", "task", "seed", "what became of it"), rows)
    return Sheet(
        kind="failures",
        title="Failed and dropped seeds",
        header=(f"{said}.",),
        tables=(table,) if count else (),
        records=_records(lost[named]),
        whole={"failures": _records(lost[named])},
        warnings=(),
    )


def tuning_sheet(gathered: Gathered) -> Sheet | None:
    """What was tuned over what, and what came of it; None where nothing was."""
    searched: Sequence[Mapping[str, Any]] = gathered.record.get("tuning", [])
    if not searched:
        return None
    from benchmark.tuning.notes import setting

    rows = tuple(
        (
            str(each["search"]),
            str(each["trials"]),
            str(each["pruned"]),
            "no setting" if each["best"] is None else setting(each["best"]),
            "" if each["dev"] is None else f"{each['dev']:.2f}",
            ", ".join(f"{n} {share:.2f}" for n, share in each["importances"].items()),
        )
        for each in searched
    )
    heading = ("search", "settings", "pruned", "chosen", "on dev", "importance")
    return Sheet(
        kind="tuning",
        title="Tuning",
        header=("On dev, with seeds of its own; test data were opened only by the runs above.",),
        tables=(TextTable("", heading, rows).without_empty(5),),
        records=tuple(_flat(each) for each in searched),
        whole={"tuning": list(searched)},
        warnings=(),
        notes=tuple(gathered.notes),
    )


def repeat_sheet(gathered: Gathered) -> Sheet:
    """The command, and with what the runs were made."""
    record = gathered.record
    tags = [run.tags for _, run in gathered.runs]
    versions = sorted({name for each in tags for name in each if name.startswith("version.")})
    found = {
        "command": [shlex.join(["bench", "run", str(_near(Path(record["study_file"])))])],
        "SHA-256 of the study file": [record["study_digest"]],
        "seeds": [", ".join(map(str, record["seeds"]))],
        **{name.replace("_", " "): _distinct(tags, name) for name in PROVENANCE},
        **{name.removeprefix("version."): _distinct(tags, name) for name in versions},
        **{
            f"data of {task}": _distinct(
                [run.tags for cell, run in gathered.runs if cell["task"] == task],
                "data_fingerprint",
            )
            for task in dict.fromkeys(cell["task"] for cell in record["cells"])
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
        tables=(TextTable("", ("what", "value"), rows),),
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


def _by_place(
    table: "pd.DataFrame", columns: Sequence[str], cells: Sequence[tuple[str, ...]]
) -> TextTable:
    """A row for each arm and task; what all of them share is the title."""
    where = [tuple(row) for row in table[["task", "model", "init"]].astype(str).to_numpy()]
    title, differing = wording.places(where)
    rows = tuple(
        (str(method), place, *row)
        for method, place, row in zip(table["method"], differing, cells, strict=True)
    )
    return TextTable(title, ("method", "where", *columns), rows).without_empty(1)


def _records(table: "pd.DataFrame") -> tuple[dict[str, Any], ...]:
    rows = table.to_dict("records")
    return tuple({str(name): value for name, value in row.items()} for row in rows)


def _flat(each: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, dict) else value
        for name, value in each.items()
        if name != "members"
    }


def _mean_and_sd(mean: float, sd: float) -> str:
    return wording.score(mean, 3) + (f" ± {sd:.3f}" if sd == sd else "")


def _measured(value: float) -> str:
    return f"{value:,.3g}" if 0 < value < 100 else wording.score(value, 0)
