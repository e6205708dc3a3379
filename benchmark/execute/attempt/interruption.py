"""How a process is told to stop: at once while it computes, never in the middle of a transaction.

An exception that a signal raises within a write to a database leaves it locked for everybody. A run
that has something to keep may stop itself between two steps, where one is near.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from benchmark.store.outages import unless


class Interrupted(BaseException):
    """The run was told to stop; not an error of its own, so no handler of errors may catch it.

    Its argument says why in a word: "interrupted", "pruned" or "timed out".
    """


#: Seconds for which a run that was interrupted may look for the end of its step.
_A_STEP = 1.5


class _State:
    why = ""
    open = False
    keeps: Callable[[], bool] | None = None
    until = 0.0
    alarm = False


def interrupt(why: str) -> None:
    """Stop what is executing, as soon as it can be stopped; called by a signal's handler."""
    if not _State.why:
        _State.why, _State.until = why, time.monotonic() + _A_STEP
        if _stops_itself():  # and if it does not, it is stopped then
            _State.alarm = True
            signal.signal(signal.SIGALRM, lambda *_: _stop_now())
            signal.setitimer(signal.ITIMER_REAL, _A_STEP)
    _stop_now()


def stop_if_told() -> None:
    """Stop where the run has kept what it had to keep.

    Raises:
        Interrupted: it was told to stop.
    """
    if _State.why:
        raise Interrupted(_State.why)


@contextmanager
def stopping_itself(keeps: Callable[[], bool]) -> Iterator[None]:
    """Within this block a run looks between two steps whether it is told to stop.

    It is stopped at once if it is not wanted any more, has nothing to keep, or takes too long.

    Args:
        keeps: whether there is something that it would keep.

    Raises:
        Interrupted: it was told to stop, and did not.
    """
    before, _State.keeps = _State.keeps, keeps
    try:
        yield
    finally:
        _State.keeps = before
        if _State.alarm:
            _State.alarm = False
            signal.setitimer(signal.ITIMER_REAL, 0)
    _stop_now()


def _stops_itself() -> bool:
    keeps = _State.keeps is not None and _State.why == "interrupted" and _State.keeps()
    return keeps and time.monotonic() < _State.until


def _stop_now() -> None:
    if _State.open and _State.why and not _stops_itself():
        raise Interrupted(_State.why)


def told_to_stop() -> str:
    """Why this process was told to stop, in a word; empty as long as it was not."""
    return _State.why


def forget(why: str) -> None:
    """Have this process, if it was told to stop for this reason, be told so no longer."""
    if _State.why == why:
        _State.why = ""


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this block a run may be stopped anywhere.

    Raises:
        Interrupted: it was told to stop, now or before.
    """
    before, _State.open = _State.open, True
    try:
        if _State.why:
            raise Interrupted(_State.why)
        yield
    finally:
        _State.open = before


@contextmanager
def shielded() -> Iterator[None]:
    """Within this block, inside an interruptible one, a run is not stopped; right after it is."""
    before, _State.open = _State.open, False
    try:
        yield
    finally:
        _State.open = before
    _stop_now()


@contextmanager
def patient() -> Iterator[Callable[[], None]]:
    """Within this block Ctrl-C and SIGTERM wait for a call of the function that it gives.

    The function raises KeyboardInterrupt if one of them came, and is called, too, while a record is
    waited for that is out of reach. A second one does not wait.
    """
    asked = False

    def ask(signum: int, frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    def stops_waiting() -> bool:
        check()
        return False

    before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with unless(stops_waiting):
            yield check
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Within this block Ctrl-C and SIGTERM stop the run that this very process executes, too."""

    def ask(signum: int, frame: FrameType | None) -> None:
        told = before[signal.Signals(signum)]
        if callable(told):
            told(signum, frame)
        interrupt("interrupted")

    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        signal.signal(each, ask)
    try:
        yield
    finally:
        _State.why = ""
        for signum, handler in before.items():
            signal.signal(signum, handler)
