"""What a step costs, counted by the first run of each kind for all that come after it."""

from __future__ import annotations

from benchmark.execute.job import Ended
from benchmark.runs.kinds import Run, TrainRun
from benchmark.user_code.foreign import is_foreign


class CountedFlops:
    """FLOPs of a step relative to base, by kinds of runs; counting takes a run a tenth of a second.

    Runs of a kind differ in seed and teacher alone, and count alike on the same examples. A run
    whose task draws splits for every seed counts for itself, and so does one with code of a user's,
    which may do with a seed what it likes.
    """

    def __init__(self) -> None:
        self._known: dict[str, float] = {}

    def of(self, run: Run) -> float | None:
        """What another run has counted; None where this one has to."""
        return self._known.get(run.kind)

    def learn(self, run: Run, ended: Ended) -> None:
        """Keep what a run has counted that has ended."""
        counted = (ended.scores or {}).get("relative_flops")
        if counted is None or not isinstance(run, TrainRun) or run.task.per_seed:
            return
        if not is_foreign(*run.declared()):
            self._known[run.kind] = counted
