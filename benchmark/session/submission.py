"""`bench submit`: predictions on GLUE's hidden test sets, as the zips that its server takes."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmark.checks.preflight import told
from benchmark.declare.study import Study
from benchmark.errors import BenchmarkError, NotReady, StudyError
from benchmark.execute.todo import Todo, damaged, missing
from benchmark.record.recorded import Recorded
from benchmark.report.names import folder_name, plain_names
from benchmark.runs.alike import unfollowed
from benchmark.runs.kinds import Output
from benchmark.runs.plan import Plan
from benchmark.session.session import Session
from benchmark.session.training import FINISHED, execute
from benchmark.store.cache import Cache
from benchmark.tuning.results import Tuned
from trainers.tasks.paper.glue_server import FILES, server_files


def write(session: Session, out: Path) -> int:
    """Write the zips of a session's study into a folder; returns the exit code."""
    made, finished = session.settled(session.plan(_tuned(session)))
    _check(session.study, session.study_file, made, finished)
    targets = {k: frozenset[Output](("test", "hidden")) for k in made.cells}
    cache = session.store.cache
    jobs = missing(made.runs, targets, finished, cache)
    if jobs:
        again = sum(k in targets for k in jobs)
        session.console.print(
            f"{again} of {len(targets)} runs left no predictions on the hidden test sets, and are "
            "trained again for them; their scores stay as recorded.",
            markup=False,
            soft_wrap=True,
        )
        done = frozenset(targets) - frozenset(jobs)
        with session.at_work():
            code = execute(session, made, Todo(done, jobs, damaged(jobs, cache)), finished)
        if code:
            return code
    folder = out / folder_name(made.study.name)
    try:
        written = _write_zips(made, cache, folder)
    except OSError as error:
        raise BenchmarkError(
            f"the zips cannot be written to {folder}: {error.strerror}. Give --out a folder that "
            "can be written."
        ) from error
    absent = [name for name in FILES if name not in written]
    session.console.print(
        f"{len(made.cells) // len(made.study.tasks)} zips in {folder}, one for each arm and seed, "
        f"with {', '.join(written)}."
        + (f" The server also looks for {', '.join(absent)}." if absent else ""),
        markup=False,
        soft_wrap=True,
    )
    return FINISHED


def _tuned(session: Session) -> Sequence[Tuned]:
    from benchmark.declare.tuned import is_searched

    if not is_searched(session.study):
        return ()
    from benchmark.tuning.of_study import known_results

    return known_results(session.study, session.connection, session.optuna_storage)


def _check(study: Study, file: Path, made: Plan, finished: Mapping[str, Recorded]) -> None:
    """Refuse tasks that no server judges, hidden texts that are not here, and runs not recorded."""
    for task in study.tasks:
        if not server_files(task):
            raise StudyError(
                f"{file}: {task.name} is no task of GLUE; bench submit writes for its server alone."
            )
    wanted = ((task, each.split) for task in study.tasks for each in server_files(task))
    needs = [need for task, split in wanted if (need := task.missing_split(split))]
    if needs:
        raise NotReady(told(needs, file))
    if anew := unfollowed(made.runs[k] for k in made.cells):
        raise StudyError(f"{file}: {anew[0]} bench submit takes runs that are recorded.")
    tested = {k for k in made.cells if k in finished and finished[k].is_tested}
    if left := len([k for k in made.cells if k not in tested]):
        raise StudyError(
            f"{file}: {left} of {len(made.cells)} runs are not recorded yet; start with: "
            f"bench run {file}"
        )


def _write_zips(made: Plan, cache: Cache, folder: Path) -> list[str]:
    """Write the zips, and return the names of the files in each."""
    zips: dict[str, dict[str, str]] = {}
    plain = plain_names(tuple(arm.place) for arm in made.study.arms)
    names = {place: name.replace(".", "--") for place, name in plain.items()}
    for (arm, task, seed), key in zip(made.study.cells(), made.cells, strict=True):
        files = zips.setdefault(f"{names[tuple(arm.place)]}--{seed}.zip", {})
        for file in server_files(task):
            classes = np.load(cache.path("hidden", key) / f"{file.name}.npy", allow_pickle=False)
            files[file.name] = table([file.labels[k] for k in classes])
    folder.mkdir(parents=True, exist_ok=True)
    for name, files in zips.items():
        _write_zip(folder / name, files)
    return list(next(iter(zips.values())))


def table(labels: Sequence[str]) -> str:
    r"""Predictions as the server reads them.

    >>> table(["entailment", "not_entailment"])
    'index\tprediction\n0\tentailment\n1\tnot_entailment\n'
    """
    lines = [f"{number}\t{label}\n" for number, label in enumerate(labels)]
    return "".join(["index\tprediction\n", *lines])


def _write_zip(path: Path, files: Mapping[str, str]) -> None:
    draft = path.with_suffix(".new")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    draft.replace(path)
