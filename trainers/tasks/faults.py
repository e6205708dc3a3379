"""Everything that is wrong with some data, and not only what is found first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from trainers.errors import TaskError

Found = TypeVar("Found")


def faults(look: Callable[[], object]) -> tuple[str, ...]:
    """What is wrong, as messages; nothing where a look raises no TaskError."""
    try:
        look()
    except TaskError as error:
        return error.faults
    return ()


def gather(looks: Iterable[Callable[[], Found]]) -> list[Found]:
    """What each look finds.

    Raises:
        TaskError: with the faults of all looks, one of them raised it.
    """
    found: list[Found] = []
    wrong: list[str] = []
    for look in looks:
        try:
            found.append(look())
        except TaskError as error:
            wrong += error.faults
    if wrong:
        raise TaskError(*dict.fromkeys(wrong))
    return found
