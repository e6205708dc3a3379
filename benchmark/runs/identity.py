"""What tells one declared thing from another, with the user's own code that it reaches."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import uuid4

from benchmark.errors import StudyError
from benchmark.runs.key import Specification
from benchmark.runs.reach import Reached, reach
from trainers.tasks import Task


@cache
def fingerprint_of(task: Task) -> str:
    """Of the source data of a task."""
    return task.fingerprint()


def identity_of(declared: Any) -> Specification:
    """A specification, with the digest of the user's own code behind it.

    Raises:
        StudyError: a field is a list or another thing that can change.
    """
    try:
        return _cached_identity(declared)
    except TypeError as error:
        raise StudyError(
            f"{declared!r}: every field must be fixed ({error}); use a tuple for a list."
        ) from error


@cache
def _cached_identity(declared: Any) -> Specification:
    return Specification(declared.specification() | code_of(declared))


def code_of(declared: Any) -> dict[str, str]:
    """What stands in a specification for the user's own code that something reaches.

    Code that cannot be followed may have changed: no earlier run counts as one of it.
    """
    found = reached_of(declared)
    code = {} if found.digest is None else {"source": found.digest}
    return code | ({"anew": _anew(declared)} if found.unfollowed else {})


@cache
def reached_of(declared: Any) -> Reached:
    """The user's own code behind something that a study declares."""
    return reach(declared)


@cache
def _anew(declared: Any) -> str:
    """Something else whenever a study is loaded: its classes are then other ones."""
    return uuid4().hex
