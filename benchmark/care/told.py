"""How a study stands, as a page and as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.care.standing import RunStanding, Standing, of_state
from benchmark.record.attempts import State
from benchmark.terminal.duration import duration

#: What runs that are no arms are called, by their role, in the order of the table.
_OTHERS = {
    "pretraining": "pre-training",
    "teacher": "teachers",
    "link": "links of chains",
    "probe": "probes",
    "trial-seed": "runs of searches",
}
#: States in each column of the table.
_COLUMNS: Mapping[str, tuple[State, ...]] = {
    "finished": ("finished",),
    "running": ("running", "elsewhere"),
    "waiting": ("waiting", "interrupted", "left open"),
    "failed": ("failed",),
}


def print_standing(standing: Standing, console: Console) -> None:
    """Counts by arm and task, then what runs, what failed and why, and the machines."""
    lasts = f" ({standing.file})" if standing.file else ""
    _say(console, f"{standing.study}{lasts}. Record: {standing.record}\n")
    if not standing.file:
        _say(console, "Its first searches are not over; its arms are trained after them.\n")
    if standing.searches:
        console.print(_searches(standing), "")
    if standing.runs:
        console.print(_counts(standing.runs))
    for title, lines in _lists(standing).items():
        if lines:
            _say(console, f"\n{title}:")
            for line in lines:
                _say(console, f"  {line}")
    if any(run.run for run in standing.runs):
        console.print("", _machines(standing.runs))
    if said := _what_next(standing):
        _say(console, f"\n{said}")


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _searches(standing: Standing) -> Table:
    ends = ("complete", "pruned", "failed", "open")
    table = Table("search", "settings", *ends, box=None, header_style="bold")
    for search in standing.searches:
        counts = [str(search.ends.get(end, 0)) for end in ends]
        planned = str(search.planned) if search.planned else "?"
        table.add_row(*map(Text, (search.name, planned, *counts)))
    return table


def _counts(runs: Sequence[RunStanding]) -> Table:
    table = Table("arm", "task", *_COLUMNS, "of", box=None, header_style="bold")
    models = {run.place["model"] for run in runs if run.role == "arm"}
    groups: dict[tuple[str, str], list[RunStanding]] = {}
    for run in runs:
        groups.setdefault(_group(run, len(models) > 1), []).append(run)
    for (arm, task), members in groups.items():
        counts = [str(sum(run.state in states for run in members)) for states in _COLUMNS.values()]
        table.add_row(*map(Text, (arm, task, *counts, str(len(members)))))
    return table


def _group(run: RunStanding, models: bool) -> tuple[str, str]:
    if run.role != "arm":
        return _OTHERS.get(run.role, run.role), ""
    label = f"{run.place['method']} · {run.place['init']}"
    return (f"{label} · {run.place['model']}" if models else label), run.place["task"]


def _lists(standing: Standing) -> dict[str, list[str]]:
    """What is said of single runs, under a title each."""
    runs = standing.runs
    stopped = of_state(runs, "interrupted")
    return {
        "Running": [
            f"{_name(run)}: {run.progress}, {_since(run)}{_unsure(run)}"
            for run in of_state(runs, "running", "elsewhere")
        ],
        "Recorded as running, but their process is gone; bench run closes and repeats them": [
            f"{_name(run)}: {run.progress}, {_since(run)}" for run in of_state(runs, "left open")
        ],
        "Failed": [f"{_name(run)}: {run.reason}" for run in of_state(runs, "failed")],
        "Not started, for want of what failed": [
            f"{_name(run)}: needs {run.waits_for}" for run in runs if run.waits_for
        ],
        "Stopped before the end, and waiting": [f"{_name(run)}: {run.reason}" for run in stopped],
    }


def _name(run: RunStanding) -> str:
    task = run.place.get("task", "")
    return run.name if not task or task in run.name else f"{run.name} ({task})"


def _since(run: RunStanding) -> str:
    assert run.run is not None
    began = datetime.fromtimestamp(run.run.began, UTC).astimezone()
    gone = duration(max(0.0, time.time() - run.run.began))
    return f"since {began:%Y-%m-%d %H:%M:%S} ({gone}) on {_machine(run)[0]}"


def _unsure(run: RunStanding) -> str:
    return "; whether it still runs can be told there alone" if run.state == "elsewhere" else ""


def _machine(run: RunStanding) -> tuple[str, str]:
    """Name and hardware, as far as they are recorded."""
    tags = run.run.tags if run.run else {}
    return tags.get("host", "?"), tags.get("hardware", "?")


def _machines(runs: Iterable[RunStanding]) -> Table:
    columns = ("finished", "running", "failed")
    table = Table("machine", *columns, "hardware", box=None, header_style="bold")
    by_machine: dict[tuple[str, str], list[RunStanding]] = {}
    for run in runs:
        if run.run:
            by_machine.setdefault(_machine(run), []).append(run)
    for (host, hardware), members in by_machine.items():
        counts = [str(sum(r.state in _COLUMNS[column] for r in members)) for column in columns]
        table.add_row(*map(Text, (host, *counts, hardware)))
    return table


def _what_next(standing: Standing) -> str:
    if of_state(standing.runs, "running", "elsewhere"):
        return ""
    if standing.at_work:
        return "A command is at work on it, and trains none of its runs at this moment."
    file = standing.file or "STUDY"
    if of_state(standing.runs, *_COLUMNS["waiting"]) or not standing.file:
        return f"No command is at work on it from here; to go on: bench run {file}"
    if of_state(standing.runs, "failed"):
        return f"To train again what failed: bench run {file}"
    return ""


def as_json(standing: Standing) -> str:
    """The same for programs: every run, and how many there are of each state."""
    states = [run.state for run in standing.runs]
    told = {
        "study": standing.study,
        "file": standing.file,
        "record": standing.record,
        "at_work": standing.at_work,
        "counts": {name: sum(s in among for s in states) for name, among in _COLUMNS.items()},
        "searches": [vars(search) for search in standing.searches],
        "runs": [_run(run) for run in standing.runs],
    }
    return json.dumps(told, indent=1, ensure_ascii=False)


def _run(run: RunStanding) -> dict[str, Any]:
    host, hardware = _machine(run)
    began = datetime.fromtimestamp(run.run.began, UTC).isoformat() if run.run else None
    return {
        "name": run.name,
        "role": run.role,
        **run.place,
        "seed": run.seed,
        "state": run.state,
        "reason": run.reason,
        "waits_for": run.waits_for,
        "run_id": run.run.run_id if run.run else None,
        "host": host if run.run else None,
        "hardware": hardware if run.run else None,
        "began": began,
        "progress": run.progress,
    }
