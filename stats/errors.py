"""Every error that `stats` raises on purpose, as one small tree.

StatsError
├── ScoresError        the table of scores cannot be read or contradicts itself
├── UnknownName        a method, metric, split or init that the scores do not hold
├── NotPaired          two arms that share no pairing
├── NotEnoughPairs     too few pairs for what was asked
└── InvalidSetting     an α, margin, correction … outside what it can be
"""

from __future__ import annotations

from collections.abc import Iterable

# ruff: noqa: N818 - these names are read in messages and tables, where "…Error" adds nothing


class StatsError(ValueError):
    """Base of the tree; its message is one line for the user."""


class ScoresError(StatsError):
    """The table of scores cannot be read, or contradicts itself."""


class UnknownName(StatsError):
    """A name was asked for that the scores do not hold."""

    def __init__(self, what: str, name: object, present: Iterable[object]) -> None:
        held = ", ".join(f'"{each}"' for each in present)
        super().__init__(f'no {what} "{name}" in the scores; they hold {held}')


class NotPaired(StatsError):
    """The scores of two arms cannot be joined in pairs."""


class NotEnoughPairs(StatsError):
    """Fewer pairs than the quantity needs."""


class InvalidSetting(StatsError):
    """A setting of the analysis lies outside what it can be."""
