"""How a study stands: what the record says of every run, and whether its process lives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.errors import StoreError
from benchmark.record.attempts import Attempt, State, attempts
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.studies import ROLE, recorded_study, use_of
from benchmark.record.study_record import PlannedRun, RecordedCell, StudyRecord


@dataclass(frozen=True)
class RunStanding:
    """How one run stands.

    Attributes:
        name: for people.
        place: model, init, method and task of an arm's run; of others what is known of these.
        role: "arm", "link", "teacher", "pretraining", "probe" or "trial-seed".
        seed: None where it has none.
        state: of the run.
        reason: how its last attempt ended, as a word and a message; empty as long as it has not.
        waits_for: the name of a run that failed and that it cannot start without.
        run: the attempt that counts; None where there is none.
        progress: how far it has come: "epoch 3 of 10"; empty where that is not known.
    """

    name: str
    place: Mapping[str, str]
    role: str
    seed: int | None
    state: State
    reason: str = ""
    waits_for: str = ""
    run: Recorded | None = None
    progress: str = ""


@dataclass(frozen=True)
class SearchStanding:
    """How a search stands.

    Attributes:
        name: of the search.
        planned: settings to be tried; 0 where that is not recorded.
        ends: how many trials are "complete", "pruned", "failed" or not yet ended ("open").
    """

    name: str
    planned: int
    ends: Mapping[str, int]


@dataclass(frozen=True)
class Standing:
    """How a study stands.

    Attributes:
        study: its name.
        file: where it lay when it last ran; empty where its plan is not recorded yet.
        record: the record's address as it may be printed.
        at_work: whether a command is at work on it, as far as can be told from here.
        runs: of the plan, arms first.
        searches: those that have begun.
    """

    study: str
    file: str
    record: str
    at_work: bool
    runs: tuple[RunStanding, ...]
    searches: tuple[SearchStanding, ...] = field(default=())


def standing(query: Query, wanted: str | None) -> Standing:
    """How a study stands; what is read is as it was at that moment.

    Args:
        query: to the record.
        wanted: name or file of the study; None takes the one last run.

    Raises:
        StoreError: nothing is recorded of it.
    """
    name, record = _found(query, wanted)
    experiment = query.experiment(name)
    searches = [*_searches(query, experiment)] if experiment else []
    runs = [*_of_plan(query, record)] if record else []
    planned = {run.run.run_id for run in runs if run.run}
    if experiment:
        beside = _beside(query, experiment, failed=record is None)
        runs += [each for each in beside if each.run and each.run.run_id not in planned]
    return Standing(
        study=name,
        file=record.study_file if record else "",
        record=query.store.shown,
        at_work=query.store.cache.uses.holder(use_of(name)) is not None,
        runs=tuple(runs),
        searches=tuple(searches),
    )


def _found(query: Query, wanted: str | None) -> tuple[str, StudyRecord | None]:
    """The name and the plan of a study; no plan as long as its first searches go on."""
    try:
        record = recorded_study(query, wanted)
    except StoreError:
        name = _tuned_first(query, wanted)
        if name is None:
            raise
        return name, None
    return record.study, record


def _tuned_first(query: Query, wanted: str | None) -> str | None:
    """The name of a study of which nothing but searches is recorded yet."""
    names = query.connection.experiments()
    tuned = [names[run.experiment] for run in query.of_role("tuning")]
    planned = {names[run.experiment] for run in query.of_role(ROLE)}
    begun = [name for name in tuned if name not in planned]
    if wanted is None:
        return begun[-1] if begun and not planned else None
    if wanted in begun:
        return wanted
    if not begun or not Path(wanted).is_file():
        return None
    from benchmark.declare.loading import load_study  # with torch

    name = load_study(Path(wanted)).name
    return name if name in begun else None


def _of_plan(query: Query, record: StudyRecord) -> Iterator[RunStanding]:
    planned = {run.key: run for run in record.runs if run.role != "data"}
    cells, judged = ({cell.key for cell in some} for some in (record.cells, record.judged))
    found = attempts(query, planned.keys() | judged, judged)
    for cell in record.cells:
        waits = _wanting(planned.get(cell.key), planned, found)
        yield _of_cell(query, cell, found.get(cell.key), planned.get(cell.key), waits)
    for run in planned.values():
        if run.key not in cells and run.role != "features":  # which are nowhere recorded
            waits = _wanting(run, planned, found)
            yield _of_run(query, run.name, run.role, found.get(run.key), waits)


def _wanting(
    run: PlannedRun | None, planned: Mapping[str, PlannedRun], found: Mapping[str, Attempt]
) -> str:
    """The name of a failed run that a run needs, directly or not; empty where there is none."""
    for key in run.needs.values() if run else ():
        needed = planned.get(key)
        if needed is None:
            continue
        if key in found and found[key].state == "failed":
            return needed.name
        done = key in found and found[key].state == "finished"
        if not done and (deeper := _wanting(needed, planned, found)):
            return deeper
    return ""


def _of_cell(
    query: Query, cell: RecordedCell, attempt: Attempt | None, run: PlannedRun | None, waits: str
) -> RunStanding:
    name = run.name if run else f"{cell.method} · {cell.init} · {cell.seed}"
    if not cell.key:
        why = "its tuning found no setting"
        return RunStanding(name, cell.place, "arm", cell.seed, "failed", why)
    told = _of_run(query, name, "arm", attempt, waits)
    return RunStanding(**{**vars(told), "place": cell.place, "seed": cell.seed})


def _of_run(
    query: Query, name: str, role: str, attempt: Attempt | None, waits: str = ""
) -> RunStanding:
    if attempt is None or attempt.state == "waiting":
        return RunStanding(name, {}, role, None, "waiting", waits_for=waits)
    run, state = attempt.run, attempt.state
    place = {
        part: run.tags[part] for part in ("model", "init", "method", "task") if part in run.tags
    }
    seed = run.tags.get("seed", "")
    return RunStanding(
        name=name,
        place=place,
        role=role,
        seed=int(seed) if seed.isdigit() else None,
        state=state,
        reason=run.reason if state in ("failed", "interrupted") else "",
        waits_for=waits if state in ("interrupted", "left open") else "",
        run=run,
        progress=_progress(query, run) if state in ("running", "elsewhere", "left open") else "",
    )


def _progress(query: Query, run: Recorded) -> str:
    """How far a run has come by what it has written of its curve."""
    steps = run.parameters.get("pretraining.steps", "")
    unit, total = ("step", steps) if steps else ("epoch", run.parameters.get("training.epochs", ""))
    done = max(query.curve(run.run_id, "epoch/loss"), default=0)
    if not done:
        return f"before the end of its first {unit}"
    return f"{unit} {done}" + (f" of {total}" if total.isdigit() and done <= int(total) else "")


def _searches(query: Query, experiment: str) -> Iterator[SearchStanding]:
    """The last that was begun under each name."""
    searches = query.of_role("tuning", experiment)
    last = {run.tags.get("search", run.called): run for run in searches}
    trials = query.of_role("trial", experiment) if last else []
    for name, search in last.items():
        mine = [run for run in trials if run.tags.get("mlflow.parentRunId") == search.run_id]
        planned = search.tags.get("planned", "")
        yield SearchStanding(
            name=name,
            planned=int(planned) if planned.isdigit() else 0,
            ends=Counter(run.tags.get("trial_state", "open") for run in mine),
        )


def _beside(query: Query, experiment: str, failed: bool) -> Iterator[RunStanding]:
    """Runs of searches and what these need that have not ended.

    Args:
        query: to the record.
        experiment: of the study.
        failed: whether also what failed of the runs that they need; settings that fail are counted.
    """
    open_runs = query.runs("attributes.status = 'RUNNING' and tags.key != ''", experiment)
    if failed:
        for role in ("pretraining", "teacher", "link"):
            condition = f"attributes.status = 'FAILED' and tags.role = '{role}'"
            open_runs += query.runs(condition, experiment)
    by_key = {run.tags["key"]: run for run in open_runs}
    for key, attempt in attempts(query, by_key).items():
        if attempt.state not in ("finished", "interrupted"):
            yield _of_run(query, attempt.run.called, by_key[key].tags.get("role", ""), attempt)


def of_state(runs: Sequence[RunStanding], *states: State) -> list[RunStanding]:
    """Those of some states."""
    return [run for run in runs if run.state in states]
