"""A trial of a search, as everybody who works on it sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmark.declare.search import Params

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One setting, and what came of it.

    Attributes:
        number: from 0.
        params: the setting; None as long as it is only claimed.
        curve: what it was held against others by: value by step.
        end: how it ended; None as long as it has not.
        value: its objective, if complete.
        reason: why it failed.
        told: whether the sampler knows of its end.
        owner: the process that trains it.
        beat: when the owner last gave a sign of life, in seconds since 1970.
        begun: when it was claimed, in seconds since 1970.
        run_id: its run in MLflow; empty as long as there is none.
        steps: training steps that it took.
    """

    number: int
    params: Params | None
    curve: Mapping[int, float]
    end: State | None
    value: float | None
    reason: str
    told: bool
    owner: str
    beat: float
    begun: float
    run_id: str
    steps: int


def claimed(number: int, owner: str, at: float) -> Trial:
    """A trial of which nothing is known yet but who trains it, since when."""
    return Trial(
        number=number,
        params=None,
        curve={},
        end=None,
        value=None,
        reason="",
        told=False,
        owner=owner,
        beat=at,
        begun=at,
        run_id="",
        steps=0,
    )
