"""How long a command waits for code of a study that it calls in its own process.

A study file is executed by the command itself, and so are the hooks of its classes that say what
there is to train. What does not come to its end is said, and given up after some minutes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from benchmark.user_code.blame import is_of_the_user, shown

#: Seconds of one call: after which it is said what is waited for, and given up.
SAID_AFTER, LIMIT = 20.0, 300.0
#: Seconds between two looks.
_TICK = 1.0
#: How often a call is told to end before the command ends without it.
_TIMES = 3
#: As it is before code of a study may reach for it.
_leave = os._exit
#: Signals by which this command was told to stop.
asked_to_stop: list[int] = []


class TooLong(BaseException):
    """Code of a study does not come to its end; no handler of errors may catch it."""


class _Watch:
    """Looks at what is being executed, whenever the clock strikes."""

    def __init__(self, outside: FrameType) -> None:
        self.outside = outside
        self.call: FrameType | None = None
        self.since = 0.0
        self.said = False
        self.told = 0

    def look(self, signum: int, frame: FrameType | None) -> None:
        """See which call of the user's code is under way, and for how long.

        Raises:
            TooLong: for longer than the limit.
        """
        call, line = self._outermost(frame), _line(frame)
        if call is not self.call or call is None:
            self.call, self.since, self.said, self.told = call, time.monotonic(), False, 0
            return
        waited = time.monotonic() - self.since
        if waited > LIMIT:
            self._end(line)
        if waited > SAID_AFTER and not self.said:
            self.said = True
            _say(f"bench: waiting for {line}, for {LIMIT / 60:.0f} minutes at most; Ctrl-C ends it")

    def _end(self, line: str) -> None:
        self.told += 1
        message = (
            f"it goes on for more than {LIMIT:g} s. What takes long belongs into the prepare of a "
            "task or into a method, which processes of their own execute"
        )
        if self.told > _TIMES:  # whatever is raised is caught there
            _say(f"bench: {line}: {message}.")
            _leave(2)
        raise TooLong(message)

    def _outermost(self, frame: FrameType | None) -> FrameType | None:
        """The frame in which code of the user was entered."""
        found = None
        while frame is not None and frame is not self.outside:
            if is_of_the_user(frame.f_code):
                found = frame
            frame = frame.f_back
        return found if frame is self.outside else None


@contextmanager
def impatient() -> Iterator[None]:
    """Within this block a call of code of a study may take some minutes, and no longer."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outside = sys._getframe(2)  # beyond this function and contextlib's
    before = signal.signal(signal.SIGALRM, _Watch(outside).look)
    signal.siginterrupt(signal.SIGALRM, False)  # what the system is asked is asked to its end
    timer = signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)


def stop(signum: int, frame: object) -> NoReturn:
    """Handle a signal as Ctrl-C: a library in the middle of an import may make another error of it.

    Raises:
        KeyboardInterrupt: always.
    """
    asked_to_stop.append(signum)
    raise KeyboardInterrupt


def stop_now() -> NoReturn:
    """End the command after Ctrl-C, where code of the study would go on."""
    _say("bench: stopped.")
    _leave(130)


def _line(frame: FrameType | None) -> str:
    """Where the user's code stands."""
    while frame is not None and not is_of_the_user(frame.f_code):
        frame = frame.f_back
    return f"{shown(frame.f_code.co_filename)}:{frame.f_lineno}" if frame else "the study"


def _say(sentence: str) -> None:
    """Past whatever the user's code has made of the standard streams."""
    os.write(2, f"{sentence}\n".encode("utf-8", "backslashreplace"))
