"""Train again what failed of a study and what waits for it, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from benchmark.errors import StudyError
from benchmark.execute.todo import Todo, damaged, missing, todo
from benchmark.record.attempts import Attempt, attempts
from benchmark.record.recorded import Recorded
from benchmark.runs.kinds import Output
from benchmark.runs.plan import Plan
from benchmark.session.searching import found_settings
from benchmark.session.session import Session
from benchmark.session.training import FINISHED, train_arms


def retry_failed(session: Session, only: str | None) -> int:
    """Train again what failed, and judge; returns the exit code.

    Args:
        session: of the study.
        only: the reason for which runs failed that are trained again, in a word; None for any.

    Raises:
        StudyError: none failed for that reason, or searches come before what can fail.
    """
    results = found_settings(session)
    made, finished = session.settled(session.plan(results))
    cells = set(made.judged)
    known = attempts(session.query, made.runs, cells)
    failed = {k: a.failure.cause for k, a in known.items() if a.failure and _is_open(a)}
    chosen = {k for k, word in failed.items() if only in (None, word)}
    if failed and not chosen:
        counted = ", ".join(f"{word} ({n})" for word, n in Counter(failed.values()).items())
        raise StudyError(f'{session.study_file}: no run failed as "{only}"; there are: {counted}.')
    if not chosen:
        session.console.print(f"{made.study.name}: no run has failed.", markup=False)
        return FINISHED
    done = {k for k, attempt in known.items() if attempt.state == "finished"}
    needed = _needed(session, made, finished, _again(made, done, failed, chosen))
    _say(session, made, needed, chosen)
    session.remark()
    with session.at_work():
        return train_arms(session, results, made, finished, needed)


def _is_open(attempt: Attempt) -> bool:
    """Whether nobody has finished the run since it failed, nor trains it now."""
    return attempt.state in ("failed", "left open")


def _again(
    plan: Plan, done: Collection[str], failed: Mapping[str, str], chosen: Collection[str]
) -> set[str]:
    """What was chosen and all that waits for it alone, by key."""
    again, barred = set[str](), set[str]()
    for k, run in plan.runs.items():
        needs = {need.key for need in run.needs.values()}
        if k in done:
            continue
        if needs & barred or (k in failed and k not in chosen):
            barred.add(k)
        elif k in chosen or needs & again:
            again.add(k)
    return again


def _needed(
    session: Session, plan: Plan, finished: Mapping[str, Recorded], again: Collection[str]
) -> Todo:
    """What must be executed for these runs."""
    cache, test = session.store.cache, frozenset[Output](("test",))
    judged = set(plan.judged)
    targets = {k: test if k in judged else frozenset[Output]() for k in again}
    jobs = missing(plan.runs, targets, finished, cache)
    return replace(todo(plan, finished, session.store), jobs=jobs, damaged=damaged(jobs, cache))


def _say(session: Session, plan: Plan, needed: Todo, chosen: Collection[str]) -> None:
    """What is trained, and what is left as it is."""
    again = [k for k in chosen if k in needed.jobs]
    left = sum(k not in needed.jobs and k not in needed.cached for k in plan.judged)
    told = f"{plan.study.name}: {len(again)} that failed trained again"
    if waiting := sum(k in needed.jobs and k not in chosen for k in plan.judged):
        told += f", then {waiting} waiting for that"
    if left:
        told += f"; {left} left to bench run"
    session.console.print(f"{told}.", markup=False, soft_wrap=True)
