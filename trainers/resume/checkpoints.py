"""When a run is written down, so that another process can go on from there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from trainers.resume.known import Unwritable
from trainers.resume.snapshot import Snapshot

#: Seconds of training that are worth to be written down.
A_MINUTE = 60.0
#: Share of a run's time that writing may take, and bytes a second that it is taken to write before
#: that is known.
_SHARE, _RATE = 0.02, 200e6


def _nobody_asks() -> bool:
    return False


@dataclass
class Keeper:
    """Writes a run down now and then, and whenever it is told to stop.

    Attributes:
        keep: puts a snapshot in the place of the one before.
        found: what an earlier attempt at the run left.
        every: seconds of training that are worth to be written down.
        asked: whether the run is to stop.
        stop: ends it, by an exception.
        say: is told in a sentence why a run cannot be written down.
    """

    keep: Callable[[Snapshot], None]
    found: Snapshot | None = None
    every: float = A_MINUTE
    asked: Callable[[], bool] = _nobody_asks
    stop: Callable[[], None] = lambda: None
    say: Callable[[str], None] = print
    _began: float = inf
    _last: float = inf
    _cost: float = 0.0

    def begin(self, seconds: float, size: int) -> None:
        """Training begins.

        Args:
            seconds: that earlier attempts took.
            size: bytes of a snapshot, nearly.
        """
        self._last = time.perf_counter()
        self._began = self._last - seconds
        self._cost = size / _RATE

    @property
    def is_worth_it(self) -> bool:
        """Whether the run has been trained long enough to be written down when it stops."""
        return time.perf_counter() - self._began >= self.every

    def offer(self, take: Callable[[], Snapshot], at_end: bool = False) -> None:
        """Between two steps: write the run down if it is time to, and stop it if it is told to.

        Args:
            take: gives the run as it is.
            at_end: whether an epoch has ended.
        """
        stopping = self.asked()
        if (stopping and self.is_worth_it) or (at_end and self._is_time()):
            self._write(take)
        if stopping:
            self.stop()

    def _is_time(self) -> bool:
        passed = time.perf_counter() - self._last
        return passed >= max(self.every, self._cost / _SHARE)

    def _write(self, take: Callable[[], Snapshot]) -> None:
        began = time.perf_counter()
        try:
            self.keep(take())
        except Unwritable as why:
            self.every = inf
            self.say(f"{why}: the run begins anew if it is interrupted.")
        self._last = time.perf_counter()
        self._cost = self._last - began


def without() -> Keeper:
    """Of a run that is never written down."""
    return Keeper(lambda _: None, every=inf)
