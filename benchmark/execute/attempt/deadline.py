"""How long a run may take: what does not come to its end is ended, and its line named."""

from __future__ import annotations

import faulthandler
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from types import FrameType

from benchmark.execute.attempt.interruption import forget, interrupt
from benchmark.execute.job import TIMED_OUT
from benchmark.store.outages import waited

#: Seconds between two times that code is told to end which catches whatever is raised.
_AGAIN = 5.0
#: Seconds after which a process is ended whose code hears of nothing, as within a library.
_GRACE = 10.0


class _State:
    traces: int | None = None


def end_from_below(traces: int) -> None:
    """Have this process end itself where its code cannot be told to, and write where it stood.

    Args:
        traces: number of the file into which `faulthandler` writes.
    """
    _State.traces = traces


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Within this block, inside an interruptible one, a run may take so long.

    What it waits for a record that is out of reach does not count.

    Raises:
        Interrupted: with :data:`TIMED_OUT`, wherever the code stands.
    """
    if seconds == inf or threading.current_thread() is not threading.main_thread():
        yield
        return
    watch = _Watch(seconds)
    before = signal.signal(signal.SIGALRM, watch.look)
    timer = signal.getitimer(signal.ITIMER_REAL)
    watch.arm(seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)
        forget(TIMED_OUT)


class _Watch:
    """Looks whether the time is over, whenever the clock strikes."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds - waited()

    def arm(self, seconds: float) -> None:
        """Look again after so many seconds."""
        signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
        if _State.traces is not None:
            faulthandler.dump_traceback_later(seconds + _GRACE, exit=True, file=_State.traces)

    def look(self, signum: int, frame: FrameType | None) -> None:
        """Stop the run, unless it has time left for what it waited."""
        left = self.until + waited() - time.monotonic()
        if left > 0:
            self.arm(left)
        else:
            interrupt(TIMED_OUT)
