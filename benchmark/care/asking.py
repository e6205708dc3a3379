"""Before something is removed: what it is has been listed, and somebody says yes."""

from __future__ import annotations

import sys

from rich.console import Console

from benchmark.errors import BenchmarkError
from benchmark.store.cache import Cache


def agreed(question: str, yes: bool) -> bool:
    """Whether to go on.

    Args:
        question: that is asked at a terminal.
        yes: whether the command line says yes already.

    Raises:
        BenchmarkError: there is no terminal to ask at.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise BenchmarkError(
            "nothing was removed: there is no terminal to ask at. With --yes it is removed "
            "without asking."
        )
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
        print()
    return answer.strip().lower() in ("y", "yes")


def look_at_others(cache: Cache, console: Console) -> None:
    """Find out which other machines are at work, before something is removed."""

    def tell(host: str) -> None:
        told = f"Looking whether {host} is still at work, for a minute at most."
        console.print(told, markup=False, soft_wrap=True)

    cache.settle(tell)


def counted(number: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "run"), counted(2, "run")
    ('1 run', '2 runs')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"


def size(count: float) -> str:
    """Bytes as people say them.

    >>> size(17), size(2_500_000)
    ('17 B', '2.5 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
