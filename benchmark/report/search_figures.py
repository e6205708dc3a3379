"""The figures of searches, which the runs of these keep."""

from __future__ import annotations

from pathlib import Path

from benchmark.record.study_record import RecordedSearch
from benchmark.report.gather import Gathered


def without_figures(gathered: Gathered) -> list[str]:
    """Searches that are recorded, and whose figures are gone."""
    searched = gathered.record.tuning
    return [
        f"the figures of the search {each.search} are missing"
        for each in searched
        if _run_of(gathered, each) is not None
        and not ((kept := kept_figures(gathered, each)) and (kept / "history.svg").exists())
    ]


def kept_figures(gathered: Gathered, each: RecordedSearch) -> Path | None:
    """The folder of figures of the run that recorded this search."""
    run_id = _run_of(gathered, each)
    return gathered.query.artifact(run_id, "figures") if run_id else None


def _run_of(gathered: Gathered, each: RecordedSearch) -> str | None:
    """The run that recorded this search; None where it is not there."""
    experiment = gathered.query.experiment(gathered.record.study)
    for run in reversed(gathered.query.of_role("tuning", experiment) if experiment else []):
        chosen = {f"best.{n}": str(value) for n, value in (each.best or {}).items()}
        same = run.parameters.get("space") == each.space
        if same and chosen.items() <= run.tags.items() and run.tags.get("search") == each.search:
            return run.run_id
    return None
