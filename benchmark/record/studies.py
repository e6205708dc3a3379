"""The plans of studies in the record: kept when one is run, and found by name or by file.

Each is a run of the study's experiment without a key, with the plan as its artifact.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from benchmark.errors import StoreError
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.study_record import StudyRecord
from benchmark.record.writer import Writer
from benchmark.runs.key import key

#: Tag of the run that holds a study's plan, and the file that it holds it in.
ROLE, FILE = "study", "plan.json"


def use_of(study: str) -> str:
    """What a command holds in the cache while it works on a study, whatever its name is made of."""
    return f"study-{key({'study': study})}"


def record_study(writer: Writer, record: StudyRecord) -> None:
    """Keep a study's plan as a run of its experiment, and mark it as the study last run.

    Args:
        writer: keeps it, where it is not kept already.
        record: from :func:`benchmark.record.of_study.study_record`.
    """
    experiment = writer.experiment(record.study)
    with writer.store.cache.runs.holding(f"plan-{experiment}"):  # two commands keep it once
        _record(writer, record, experiment)


def _record(writer: Writer, record: StudyRecord, experiment: str) -> None:
    query, digest = Query(writer.connection), record.digest
    earlier = query.of_role(ROLE, experiment)
    for run in earlier:
        if run.status == "RUNNING":
            writer.end(run.run_id, "KILLED", "interrupted")
    same = [
        run.run_id
        for run in earlier
        if run.status == "FINISHED" and run.tags.get("plan") == digest and _is_readable(query, run)
    ]
    run_id = same[-1] if same else _keep(writer, experiment, record, digest)
    # A clock that was set back makes no study run earlier than the one before it.
    before = max(map(_last_run, query.of_role(ROLE)), default=0.0)
    writer.tag(run_id, {"last_run": f"{max(time.time(), before + 0.001):.3f}"})


def _keep(writer: Writer, experiment: str, record: StudyRecord, digest: str) -> str:
    """A new run with the plan; returns its id."""
    text = json.dumps(record.as_json(), indent=1)
    tags = {"role": ROLE, "plan": digest, "study_file": record.study_file}
    tags["plan_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    run_id = writer.start(experiment, f"study · {record.study}", tags, {})
    with writer.store.cache.scratch() as folder:
        path = folder / FILE
        path.write_text(text, encoding="utf-8")
        writer.attach(run_id, path)
    writer.end(run_id, "FINISHED", "planned")
    return run_id


def recorded_study(query: Query, wanted: str | None) -> StudyRecord:
    """The plan of a study as :func:`record_study` kept it.

    Args:
        query: to the record.
        wanted: name or file of the study; None takes the one last run.

    Raises:
        StoreError: there is none.
    """
    plans = query.of_role(ROLE)
    if wanted is not None:
        plans = _of(query, wanted, plans)
    if not plans:
        what = f"of {wanted} " if wanted else ""
        raise StoreError(
            f"no run {what}is recorded in {query.store.shown}; start with: "
            f"bench run {wanted or 'STUDY'}"
        )
    last = max(plans, key=_last_run)
    plan = _plan_of(query, last)
    if plan is None:
        raise StoreError(
            f'the plan of "{last.called}" in {query.store.shown} is missing or damaged; '
            "bench run writes it anew, and trains nothing again."
        )
    return StudyRecord.from_json(plan)


def last_plans(query: Query) -> dict[str, StudyRecord | None]:
    """The plan that each study ran last, by MLflow's id of its experiment; None for unreadable."""
    last: dict[str, Recorded] = {}
    for run in sorted(query.of_role(ROLE), key=_last_run):
        last[run.experiment] = run
    return {experiment: _read(query, run) for experiment, run in last.items()}


def _of(query: Query, wanted: str, plans: list[Recorded]) -> list[Recorded]:
    """The plans of the study of a name, else of a file, wherever that was moved to."""
    names = query.connection.experiments()
    named = [run for run in plans if wanted == names[run.experiment]]
    path = Path(wanted)
    files = {run.run_id: Path(run.tags.get("study_file", "")) for run in plans}
    try:
        there = [run for run in plans if files[run.run_id] == path.resolve()]
        if named or there or not path.is_file():
            return named or there
    except (OSError, RuntimeError, ValueError):  # a name that no file can have
        return named
    alike = [run for run in plans if files[run.run_id].name == path.name]
    if len({files[run.run_id] for run in alike}) < 2:
        return alike  # what has changed in it since is warned of
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return [r for r in alike if (_plan_of(query, r) or {}).get("study_digest") == digest]


def _is_readable(query: Query, run: Recorded) -> bool:
    """Whether this version reads the plan that a run keeps."""
    return _read(query, run) is not None


def _read(query: Query, run: Recorded) -> StudyRecord | None:
    """The plan that a run keeps; None where this version does not read it."""
    plan = _plan_of(query, run)
    try:
        return StudyRecord.from_json(plan) if plan is not None else None
    except StoreError:
        return None


def _plan_of(query: Query, run: Recorded) -> dict[str, Any] | None:
    """The plan that a run keeps; None where it is missing or not what was written."""
    path = query.artifact(run.run_id, FILE)
    try:
        text = path.read_bytes() if path else b""
        plan = json.loads(text)
    except (OSError, ValueError):
        return None
    kept = run.tags.get("plan_sha256", "")
    whole = not kept or kept == hashlib.sha256(text).hexdigest()
    return plan if whole and isinstance(plan, dict) else None


def _last_run(run: Recorded) -> float:
    try:
        return float(run.tags.get("last_run", "0"))
    except ValueError:
        return 0.0
