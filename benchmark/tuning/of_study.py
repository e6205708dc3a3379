"""Tuning as part of `bench run`, alone as `bench tune`, and as `bench plan` announces it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from benchmark.declare.study import Study
from benchmark.errors import StoreError
from benchmark.execute.scheduler import Scheduler
from benchmark.record.left_open import close_children
from benchmark.runs.kinds import Run
from benchmark.secrets import masked
from benchmark.store.connection import Connection
from benchmark.store.faults import explained
from benchmark.store.outages import in_a_hurry
from benchmark.store.store import Store
from benchmark.tuning.display import TuningDisplay, print_results
from benchmark.tuning.figures import draw_expected_best, draw_search
from benchmark.tuning.optuna_study import guarding_storage, open_storage
from benchmark.tuning.results import Tuned, TuningOutcome
from benchmark.tuning.search_loop import ENDED
from benchmark.tuning.tune import Hopeless, StudyTuning


def storage_url(store: Store, asked: str | None) -> str:
    """`--optuna-storage` if given, else a database beside that of MLflow."""
    return asked or f"sqlite:///{store.folder / 'optuna.db'}"


def require_storage(asked: str) -> None:
    """Refuse an address under which no searches can be kept, before anything is made elsewhere.

    Raises:
        StoreError: with the reason, and what to give instead.
    """
    try:
        url = make_url(asked)
        url.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(
            f"{masked(asked)!r} is no address of a database: give --optuna-storage one as "
            "sqlite:///searches/optuna.db or postgresql://user@host/name."
        ) from error
    except ModuleNotFoundError as error:
        fault = explained(error)
        assert fault
        raise StoreError(
            f"the Optuna storage {masked(asked)} cannot be opened: {fault.cause}. {fault.remedy}."
        ) from error
    if url.get_backend_name() == "sqlite":
        _require_file(url)


def _require_file(url: URL) -> None:
    if url.database in (None, "", ":memory:"):
        raise StoreError(
            f"the Optuna storage {url} is kept nowhere, and a search goes on from what is kept: "
            "give --optuna-storage a file, as sqlite:///searches/optuna.db."
        )
    path = Path(url.database).absolute()
    if not path.parent.is_dir():
        raise StoreError(
            f"the Optuna storage {url} is to lie in {path.parent}, which is no folder: make it, or "
            "give --optuna-storage another one."
        )
    if path.is_dir():
        raise StoreError(f"the Optuna storage {path} is a folder, where a file should be.")


def has_searches(store: Store, asked: str | None) -> bool:
    """Whether there may be a storage with searches, which opening one would make."""
    return bool(asked) or (store.folder / "optuna.db").exists()


def open_tuning(study: Study, connection: Connection, asked: str | None) -> StudyTuning:
    """The searches of a study, in their storage; it is made if it is not there."""
    connection.client  # noqa: B018 - makes the folder, or says that it cannot
    return StudyTuning(study, connection, open_storage(storage_url(connection.store, asked)))


def known_results(study: Study, connection: Connection, asked: str | None) -> tuple[Tuned, ...]:
    """What a plan can know of tuning without making a storage or a search in it."""
    if not has_searches(connection.store, asked):
        return ()
    with guarding_storage(storage_url(connection.store, asked)):
        return open_tuning(study, connection, asked).results(begin=False)


def tune_study(
    tuning: StudyTuning,
    make_scheduler: Callable[[Callable[[Run], None]], Scheduler],
    console: Console,
    hopeless: Callable[[], Hopeless] = dict,
) -> TuningOutcome:
    """Search what is not yet searched, keep figures in MLflow, and print what was found."""
    results = tuning.results()
    outcome = TuningOutcome(results, tuning.is_complete(results))
    if not outcome.complete:
        display = TuningDisplay(tuning.study.name, console)
        scheduler, given_up = make_scheduler(display.on_start), hopeless()
        with display:
            outcome = tuning.run(scheduler, display, given_up)
    with in_a_hurry() if outcome.interrupted else nullcontext():
        _record_results(tuning, outcome)
    print_results(outcome.results, console)
    if outcome.interrupted:
        console.print("Stopped. What finished is kept; the same command goes on from there.")
    elif not outcome.complete:
        console.print(
            "Tuning is not complete: a worker died or the disk is full. The same command goes on."
        )
    return outcome


def _record_results(tuning: StudyTuning, outcome: TuningOutcome) -> None:
    """Close each search's run in MLflow with its best setting and its figures.

    A process that was killed may have left the runs of ended trials open, too.
    """
    query, writer = tuning.query, tuning.writer
    experiment = writer.experiment(tuning.study.name)
    with writer.store.cache.scratch() as scratch:
        for place, (tuned, run_id) in enumerate(tuning.records(outcome.results, experiment)):
            folder = scratch / str(place)
            folder.mkdir()
            if not query.is_open(run_id):
                continue
            ends = {t.run_id: (ENDED[t.end], t.end) for t in tuned.trials if t.end}
            close_children(writer, run_id, ends)
            if not tuned.over:
                writer.end(run_id, "KILLED", "interrupted")
                continue
            paths = draw_search(tuned, folder)
            if tuned.scores():
                paths += draw_expected_best(outcome.results, folder)
            for path in paths:
                writer.attach(run_id, path, "figures")
            best = tuned.best
            if best is not None and best.value is not None:
                writer.log(run_id, {"objective": best.value, "steps": tuned.steps})
                told = {f"best.{name}": str(value) for name, value in (best.params or {}).items()}
                writer.end(run_id, "FINISHED", "finished", told)
            else:
                writer.end(run_id, "FAILED", "failed", detail=tuned.problem)
