"""The searches of a session's study: what `bench tune` does, and `bench run` before it trains."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.checks.estimate import estimate, has_own_code
from benchmark.declare.tuned import is_searched, searches
from benchmark.errors import StudyError
from benchmark.session.session import Session
from benchmark.tuning.results import Tuned, TuningOutcome, all_over, unfair_arms


def search(session: Session) -> TuningOutcome | None:
    """Search what is not searched yet; None where the study searches nothing."""
    if not is_searched(session.study):
        return None
    if warning := unfair_arms(session.study):
        session.console.print(f"Warning: {warning}.", markup=False, style="yellow")
    from benchmark.tuning.of_study import open_tuning, storage_url, tune_study
    from benchmark.tuning.optuna_study import guarding_storage

    with guarding_storage(storage_url(session.store, session.optuna_storage)):
        return tune_study(
            open_tuning(session.study, session.connection, session.optuna_storage),
            session.scheduler,
            session.console,
            lambda: _never_ending(session),
        )


def found_settings(session: Session) -> Sequence[Tuned]:
    """What the searches of a study found; nothing where it has none.

    Raises:
        StudyError: they are not over, and its arms are trained after them.
    """
    if not is_searched(session.study):
        return ()
    from benchmark.tuning.of_study import known_results

    results = known_results(session.study, session.connection, session.optuna_storage)
    if not all_over(searches(session.study), results):
        raise StudyError(
            f"{session.study_file}: its searches are not over, and its arms are trained after "
            f"them. Go on with: bench run {session.study_file}"
        )
    return results


def _never_ending(session: Session) -> dict[tuple[str, str], str]:
    """By arm and task, what the study's own code does that comes to no end in a step.

    A rehearsal gives up every run that is silent, and in a debugger a step may take for ever.
    """
    if session.rehearses or session.asked.engine == "inline":
        return {}
    plan = session.plan()
    cells = list(zip(plan.study.cells(), plan.cells, strict=True))
    own = {k: plan.runs[k] for _, k in cells if has_own_code(plan.runs[k])}
    if not own:
        return {}
    with session.at_home():
        found = estimate(plan, own, {}, session.project.study_file).hopeless
    return {
        (arm.label, task.name): f"failed: {found[k].message}"
        for (arm, task, _), k in cells
        if k in found and found[k].endless
    }
