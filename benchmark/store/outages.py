"""A record that is out of reach: why, what to do about it, and for how long it is waited for.

A server is started again, a lock is let go of, a disk gets room: what a run has to tell the record
is kept by its process and told when the record is back.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from benchmark.errors import RecordLost
from benchmark.store.faults import LOCKED, explained, line
from benchmark.terminal.duration import duration

#: Seconds for which a record is waited for: by a command that trains and its workers, of a database
#: that is locked by any command, and by all others, for whom a connection may break once.
PATIENCE, OF_LOCKS, MOMENT = 900.0, 150.0, 2.0
#: Seconds between two attempts: after the first, and at most.
_FIRST, _LONGEST = 0.25, 8.0
#: Seconds between two looks at whether the wait is over.
_TICK = 0.25
#: Seconds after which a wait is said.
_SAID_AFTER = 1.0

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Attitude:
    """How this process waits for a record.

    Attributes:
        seconds: for how long.
        say: told that it begins to wait, and that the record is back.
        over: whether to wait no longer; it may also raise.
    """

    seconds: float
    say: Callable[[str], None]
    over: Callable[[], bool]


class _State:
    attitude = _Attitude(MOMENT, lambda _: None, lambda: False)
    waited = 0.0


@contextmanager
def persevering(
    say: Callable[[str], None], over: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Within this block a record that is out of reach is waited for, for :data:`PATIENCE`.

    Args:
        say: told in a sentence when a wait begins, and when the record is back.
        over: asked several times a second whether to give up; it may raise.
    """
    outer = _State.attitude

    def say_to_both(sentence: str) -> None:
        outer.say(sentence)  # at once, where runs are executed by the command itself
        say(sentence)

    with _as(_Attitude(PATIENCE, say_to_both, lambda: over() or outer.over())):
        yield


@contextmanager
def unless(over: Callable[[], bool]) -> Iterator[None]:
    """Within this block waits also end when this says so, or raises."""
    now = _State.attitude
    with _as(_Attitude(now.seconds, now.say, lambda: over() or now.over())):
        yield


@contextmanager
def in_a_hurry() -> Iterator[None]:
    """Within this block nothing is waited for."""
    with _as(_Attitude(0.0, lambda _: None, lambda: True)):
        yield


@contextmanager
def _as(attitude: _Attitude) -> Iterator[None]:
    before, _State.attitude = _State.attitude, attitude
    try:
        yield
    finally:
        _State.attitude = before


def waited() -> float:
    """Seconds for which this process has waited for records so far."""
    return _State.waited


def patiently(attempt: Callable[[], _T], shown: str) -> _T:
    """Try something again as long as the record is out of reach, and may be back.

    Args:
        attempt: raises RecordLost where the record is out of reach; may have had its effect then.
        shown: the record's address as it may be printed.
    """
    began, pause, said = time.monotonic(), _FIRST, False
    while True:
        try:
            result = attempt()
        except RecordLost as error:
            limit = _limit(error)
            gone = time.monotonic() - began
            if gone >= limit or _State.attitude.over():
                raise
            if not said and gone >= _SAID_AFTER and limit > MOMENT:
                _say(shown, error, limit)
                said = True
            _rest(min(pause, limit - gone))
            pause = min(2 * pause, _LONGEST)
            continue
        if said:
            _State.attitude.say(f"The record {shown} is back.")
        return result


def _limit(error: RecordLost) -> float:
    if not error.passing:
        return 0.0
    longest = _State.attitude.seconds
    return max(longest, OF_LOCKS) if error.cause == LOCKED.cause and longest else longest


def _say(shown: str, error: RecordLost, limit: float) -> None:
    text = (
        f"The record {shown} is out of reach: {error.cause}. Waiting for it, at most "
        f"{duration(limit)}; nothing is lost."
    )
    if _State.attitude.seconds > MOMENT:
        _State.attitude.say(text)
    elif multiprocessing.parent_process() is None:
        print(f"bench: {text}", file=sys.stderr)


def _rest(seconds: float) -> None:
    """Wait, unless that is over."""
    until = time.monotonic() + seconds
    began = time.monotonic()
    try:
        while (left := until - time.monotonic()) > 0 and not _State.attitude.over():
            time.sleep(min(left, _TICK))
    finally:
        _State.waited += time.monotonic() - began


def lost(shown: str, error: BaseException) -> RecordLost:
    """A record that is out of reach.

    Args:
        shown: its address as it may be printed.
        error: what a library said.
    """
    fault = explained(error)
    if fault is None:
        return _told(shown, f"it failed ({line(error)})", "See to it", passing=False)
    return _told(shown, fault.cause, fault.remedy, fault.passing)


def gone(shown: str) -> RecordLost:
    """A record whose database is no longer where it was."""
    return _told(shown, "its database was deleted or moved away", "Put it back", passing=True)


def _told(shown: str, cause: str, remedy: str, passing: bool) -> RecordLost:
    return RecordLost(
        f"the record {shown} was lost: {cause}. {remedy}, and run the same command again: it goes "
        "on from what has been recorded.",
        cause,
        passing,
    )
