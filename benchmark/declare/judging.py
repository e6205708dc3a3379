"""What a study may declare about how its scores are judged, before there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.errors import StudyError

if TYPE_CHECKING:
    from stats import Judging

#: What no study declares: its runs are paired by seed, judged on test, and have their test sets.
_GIVEN = ("split", "paired", "resolution", "test_examples")


def check_judging(judging: Judging, n_tasks: int) -> None:
    """Refuse what cannot be done with so many tasks, or not in a study.

    Args:
        judging: of the study.
        n_tasks: tasks of the study.

    Raises:
        StudyError: with what to declare in its place.
    """
    from stats import Judging

    if not isinstance(judging, Judging):
        raise StudyError(f"study: judging must be a Judging(...), not {judging!r}.")
    usual = Judging()
    for name in _GIVEN:
        if getattr(judging, name) != getattr(usual, name):
            raise StudyError(
                f"study: judging declares {name}, which follows from the runs of a study: they "
                "are paired by seed and judged on test, whose size is known."
            )
    if judging.tasks and n_tasks < 2:
        raise StudyError(
            f'study: tasks="{judging.tasks}" asks for a verdict over several tasks, and there is '
            "one."
        )
    if judging.scale and not judging.tasks:
        raise StudyError(
            f'study: scale="{judging.scale}" is a common scale of several tasks: it goes with '
            'tasks="fixed" or "sampled".'
        )
    if judging.common_margin is not None and not judging.scale:
        raise StudyError(
            "study: common_margin is one of a common scale: it goes with scale=...; in points "
            "of the metric it is the margin."
        )
