"""How a process ended that could not say so itself: by whom, and where it stood."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

from benchmark.execute.job import DIED, KILLED, TIMED_OUT
from benchmark.user_code.blame import is_file_of_the_user, shown

#: Signals that a process brings upon itself by what its code does; all others come from outside, as
#: from a system whose memory or disk is full, or from a person.
_OWN = {
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGABRT", "SIGFPE", "SIGILL", "SIGSYS", "SIGTRAP")
    if hasattr(signal, name)
}
#: What multiprocessing says of a process where the server that forked it is gone.
UNKNOWN = 255
#: A place in code, as `faulthandler` writes it.
_PLACE = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+) in ', re.MULTILINE)


@dataclass(frozen=True)
class Death:
    """How a process ended.

    Attributes:
        status: in a word of :mod:`benchmark.execute.job`.
        message: in a line.
    """

    status: str
    message: str


def death(code: int | None, trace: str) -> Death:
    """How a process ended that could not say so itself.

    Args:
        code: its exit code; below 0 the signal that ended it.
        trace: what `faulthandler` wrote in it.
    """
    place = place_in(trace)
    where = f" ({place})" if place else ""
    if trace.startswith("Timeout"):
        return Death(TIMED_OUT, f"it does not come to its end{where}")
    if code == UNKNOWN:
        return Death(KILLED, "its worker, or the server that forks workers, was ended")
    if code is None or code >= 0:
        return Death(DIED, f"its worker ended with exit code {code}{where}")
    name = signal.Signals(-code).name
    if -code in _OWN:
        return Death(DIED, f"its worker was ended by {name}{where}")
    likely = "; the system may have run out of memory" if name == "SIGKILL" else ""
    return Death(KILLED, f"its worker was ended by {name}{likely}")


def place_in(trace: str) -> str:
    """Where the user's code stood that `faulthandler` met, as "study.py:12"; empty where in none.

    Of several threads the main one is written last.
    """
    last = trace.split("\n\n")[-1] if "\n\n" in trace.strip() else trace
    for found in _PLACE.finditer(last):
        if is_file_of_the_user(found["file"]):
            return f"{shown(found['file'])}:{found['line']}"
    return ""
