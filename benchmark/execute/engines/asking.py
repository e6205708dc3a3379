"""Questions that only code of a study can answer, asked in processes of their own."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import cloudpickle

from benchmark.execute.calibration import Question, StepFails
from benchmark.execute.engines.processes import Contained, NotLoaded, wait_for
from benchmark.execute.job import KILLED
from benchmark.execute.retries import ATTEMPTS
from benchmark.user_code.blame import blamed
from benchmark.user_code.foreign import is_foreign
from benchmark.user_code.project import sources

#: Seconds that a process may be silent, and that it has at least: it has to begin first.
_PATIENCE, _LEAST = 120.0, 20.0


@dataclass(frozen=True)
class Trouble:
    """Why a question has no answer.

    Attributes:
        message: an error in one line, or how the process ended.
        in_method: whether it is the method that cannot take a step.
        ends_processes: whether the process that was asked died of it, or went on for ever.
        endless: whether a step, or the process, did not come to its end.
    """

    message: str
    in_method: bool = False
    ends_processes: bool = False
    endless: bool = False


Answer = float | Trouble


def ask(questions: Sequence[Question], study_file: Path, patience: float = inf) -> list[Answer]:
    """The answers, in the order of the questions.

    Questions about the user's own classes are asked in a process each, all others in one.

    Args:
        questions: to be answered.
        study_file: declares what they are about.
        patience: seconds that a step may take, of which a process has 20 to 120.
    """
    answers: dict[int, Answer] = {}
    ours = [i for i, question in enumerate(questions) if not is_foreign(*question.declared)]
    theirs = [[i] for i in range(len(questions)) if i not in set(ours)]
    for together in [ours, *theirs]:
        killed = 0
        while left := [i for i in together if i not in answers]:
            again = killed + 1 < ATTEMPTS[KILLED]
            silent = min(max(patience, _LEAST), _PATIENCE)
            found = _ask(left, questions, study_file, again, silent)
            answers, killed = answers | found, 0 if found else killed + 1
    return [answers[i] for i in range(len(questions))]


def _ask(
    numbers: Sequence[int],
    questions: Sequence[Question],
    study_file: Path,
    again: bool,
    patience: float,
) -> dict[int, Answer]:
    """The answers of one process, the last of which may be why it is no more.

    There may be none where it is asked again, and was ended from outside.
    """
    answers: dict[int, Answer] = {}
    told = cloudpickle.dumps([questions[i] for i in numbers])
    process, heard = Contained.start(study_file, _answer, told, sources()), time.monotonic()
    try:
        while len(answers) < len(numbers):
            wait_for([process], patience)
            said, gone = process.said()
            heard = time.monotonic() if said else heard
            for each in said:
                if isinstance(each, NotLoaded):
                    return dict.fromkeys(numbers, Trouble(each.message))
                answers[numbers[len(answers)]] = each
            if len(answers) < len(numbers) and (gone or time.monotonic() - heard > patience):
                death = process.death() if gone else None
                if death and death.status == KILLED and again:
                    break
                why = death.message if death else f"it goes on for more than {patience:.0f} s"
                trouble = Trouble(why, ends_processes=True, endless=not gone)
                answers[numbers[len(answers)]] = trouble
                break
    finally:
        process.end()
    return answers


def _answer(say: Callable[[Any], None], pickled: bytes) -> None:
    """What a process does that is asked."""
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what it prints belongs to no run
        os.dup2(silence, stream)
    try:
        questions: list[Question] = pickle.loads(pickled)
    except Exception as error:  # noqa: BLE001 - whatever a class of the user's raises
        say(NotLoaded(f"it does not reach another process: {blamed(error)}"))
        return
    for question in questions:
        try:
            say(question.answer())
        except StepFails as error:
            say(Trouble(str(error), in_method=True, endless=error.endless))
        except BaseException as error:  # noqa: BLE001 - whatever code of the user's raises
            say(Trouble(blamed(error)))
