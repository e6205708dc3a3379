"""Faults in code of a study that is asked what its runs need, told from declarations it refuses."""

from __future__ import annotations

from collections.abc import Callable

from benchmark.errors import StudyError
from benchmark.user_code.blame import blamed, user_line
from benchmark.user_code.waiting import TooLong

_answered = False


def take_as_asked() -> None:
    """Ask nothing in this process: the command that started it has asked, and keeps the answers.

    What code of the user's does for ever, it would do anew in every process that loads a study.
    """
    global _answered
    _answered = True


def fault(ask: Callable[[], object]) -> str:
    """What code of the user's did that was asked something: it raised, left or went on for ever.

    Args:
        ask: calls it.

    Returns:
        One line; empty where all was well, and in a process that is not to ask.

    Raises:
        StudyError: it refuses what is declared.
        Exception: it comes from no line of the user's.
    """
    from trainers.errors import TrainerError

    if _answered:
        return ""
    try:
        ask()
    except (StudyError, TrainerError):
        raise
    except (Exception, SystemExit, TooLong) as error:
        if not user_line(error):
            raise
        return blamed(error)
    return ""
