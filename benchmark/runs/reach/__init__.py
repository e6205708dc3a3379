"""Everything that a user's code reaches: what a run's key has to hold beside its declaration."""

from __future__ import annotations

from benchmark.runs.reach.walk import Reached, reach

__all__ = ["Reached", "reach"]
