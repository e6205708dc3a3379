"""Every error a user can meet, as one small tree; each message says what, where, and what next.

Errors of `trainers` and `stats` keep their own trees, since neither knows this package; the
command line treats all three alike.
"""

from __future__ import annotations


class BenchmarkError(Exception):
    """Something that the user can mend; shown without a traceback, exit code 2."""


class StudyError(BenchmarkError):
    """A study file or a declaration in it is wrong."""


class NotReady(StudyError):  # noqa: N818 - reads as the verdict on a study
    """Something that a study needs is missing on this machine."""


class Underpowered(StudyError):  # noqa: N818 - reads as the verdict on a study
    """The study's corrected test could never reach its α."""


class FetchError(BenchmarkError):
    """Something could not be fetched from the hub."""


class StoreError(BenchmarkError):
    """The record of runs cannot be opened, or does not hold what was asked for."""


class RecordLost(BenchmarkError):  # noqa: N818 - reads as what became of the record
    """The record went out of reach while a command was at work; exit code 1.

    Args:
        message: for the user.
        cause: what happened to it, in a part of a sentence.
        passing: whether it may be back without anything being mended in it.
    """

    def __init__(self, message: str, cause: str = "", passing: bool = False) -> None:
        super().__init__(message)
        self.cause, self.passing = cause, passing


class CacheError(BenchmarkError):
    """Something in the cache is damaged or cannot be written, for instance on a full disk."""


class LeaseLost(BenchmarkError):  # noqa: N818 - reads as what became of the lease
    """A process was silent for so long that another one took over its run."""
