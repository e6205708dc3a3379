"""`run`: what `bench run` does, for a study that is an object."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from math import inf
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from benchmark.commands.options import count, count_or_auto
from benchmark.commands.options import gpus as gpus_of_text
from benchmark.declare.loading import being_read
from benchmark.declare.study import Study
from benchmark.errors import BenchmarkError, StudyError
from benchmark.from_python.as_a_command import as_a_command
from benchmark.from_python.origin import Origin
from benchmark.from_python.study_results import StudyResults
from benchmark.record.query import Query
from benchmark.record.studies import recorded_study
from benchmark.session.searching import found_settings
from benchmark.session.session import Session
from benchmark.session.training import INTERRUPTED, run_session
from benchmark.user_code.waiting import impatient

#: What may execute runs.
ENGINES = ("local", "inline", "slurm", "ray")


def run(
    study: Study,
    *,
    workers: int | None = None,
    engine: str = "local",
    store: str | PathLike[str] | None = None,
    gpus: Literal["all"] | int | Sequence[int] | None = None,
    runs_per_gpu: int | Literal["auto"] | None = None,
    data: str | PathLike[str] | None = None,
    environments: Literal["anew", "mix"] | None = None,
    run_timeout: float | None = None,
    slurm: str | None = None,
    address: str | None = None,
    optuna_storage: str | None = None,
) -> StudyResults:
    """Tune and train what a study still needs, and return what came of it.

    What is recorded is not trained again, whether it was trained from here or by `bench run`. Runs
    that fail are in the results, with their reasons. A script calls it below
    `if __name__ == "__main__":`, since workers import the script.

    Args:
        study: declared in a file that was imported, or by the script or the notebook that calls
            this; of a notebook, what makes it is written into a file beside it.
        workers: runs side by side; None for one a core.
        engine: where runs are executed: "local" for processes of this machine, "inline" for this
            very process, "slurm" or "ray".
        store: folder or MLflow URI of the record; None for MLFLOW_TRACKING_URI, else mlruns here.
        gpus: GPUs to train on: "all", so many, or those of these numbers; None for the first.
        runs_per_gpu: runs side by side on each of them.
        data: folder that `bench fetch` filled.
        environments: what to do with runs of another environment.
        run_timeout: seconds that a run may take.
        slurm: options of sbatch, as "partition=gpu,gres=gpu:1".
        address: of the head of a Ray cluster.
        optuna_storage: database of the searches; None for OPTUNA_STORAGE, else one in the store.

    Raises:
        BenchmarkError: what a command ends with exit code 2 for, StudyError and others among them.
        KeyboardInterrupt: after the workers have been stopped; what finished is kept.
    """
    if (file := being_read()) is not None:
        raise StudyError(
            f"run(study) is called while {file.name} is imported, as every worker does: put the "
            'call below `if __name__ == "__main__":`'
        )
    if not isinstance(study, Study):
        raise StudyError(f"run takes a Study(...), not {str(study)[:80]!r}.")
    asked = {
        "workers": _checked("workers", workers, _count),
        "engine": _checked("engine", engine, _engine),
        "store": None if store is None else str(store),
        "gpus": _checked("gpus", gpus, _gpus),
        "runs_per_gpu": _checked("runs_per_gpu", runs_per_gpu, _count_or_auto),
        "data": None if data is None else Path(data),
        "environments": _checked("environments", environments, _environments),
        "run_timeout": _checked("run_timeout", run_timeout, _seconds),
        "slurm": slurm,
        "address": address,
        "optuna_storage": optuna_storage,
    }
    with as_a_command(), impatient():
        origin = Origin.of(study, run)
        options = argparse.Namespace(study=origin.file, debug=False, **asked)
        session = Session.of(options, origin.study)
        code = run_session(session, shown=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code:
            found_settings(session)  # its arms are not trained before its searches are over
        query = Query(session.connection)
        return StudyResults(recorded_study(query, study.name), query)


def _checked(name: str, value: object, read: Callable[[Any], object]) -> object:
    """An argument as the command line would read it; None stays what it is.

    Raises:
        BenchmarkError: it is none that could be.
    """
    try:
        return None if value is None else read(value)
    except argparse.ArgumentTypeError as error:
        raise BenchmarkError(f"{name}: {error}.") from error


def _count(value: object) -> int:
    return count(str(value))


def _count_or_auto(value: object) -> int | Literal["auto"]:
    return count_or_auto(str(value))


def _gpus(value: object) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return gpus_of_text("".join(f"{each}," for each in value))
    return gpus_of_text(str(value))


def _engine(value: object) -> object:
    return _one_of(ENGINES, value)


def _environments(value: object) -> object:
    return _one_of(("anew", "mix"), value)


def _one_of(known: Sequence[str], value: object) -> object:
    if value not in known:
        raise argparse.ArgumentTypeError(f"{value!r} is none of {', '.join(known)}")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value < inf:
        raise argparse.ArgumentTypeError(f"{value!r} is no number of seconds from 1 on")
    return float(value)
