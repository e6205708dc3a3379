"""`bench tune`: search the hyper-parameters of a study's arms on dev."""

from __future__ import annotations

import argparse

from benchmark.commands.options import add_engine, add_execution, add_run_timeout, add_study
from benchmark.errors import StudyError

EXAMPLES = ("bench tune study.py",)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_study(command)
    add_execution(command)
    add_engine(command)
    add_run_timeout(command)


def tune(options: argparse.Namespace) -> int:
    """Tune a study's arms, and nothing else."""
    from benchmark.declare.tuned import is_searched
    from benchmark.session.searching import search
    from benchmark.session.session import Session
    from benchmark.session.training import FAILED, FINISHED, INTERRUPTED

    session = Session.of(options)
    if not is_searched(session.study):
        raise StudyError(f"{session.study_file}: no arm has a search=Search(...) to tune.")
    session.plan()
    session.remark()
    with session.at_work():
        tuning = search(session)
    assert tuning is not None
    if tuning.interrupted:
        return INTERRUPTED
    return FINISHED if tuning.complete and all(t.best for t in tuning.results) else FAILED
