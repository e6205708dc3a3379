"""What the runs of each arm wrote on test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import StoreError
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.study_record import RecordedCell
from benchmark.record.written import WrittenTexts, read_written

#: Model, init and task of a comparison.
Where = tuple[str, str, str]


@dataclass(frozen=True)
class ArmTexts:
    """Texts of arms with the scores of each.

    Attributes:
        arms: by model, init and task, then by arm, then by seed.
        runs: ids of the runs that wrote something.
        left_out: what could not be read, with the names of the runs.
    """

    arms: Mapping[Where, Mapping[str, Mapping[int, WrittenTexts]]]
    runs: frozenset[str]
    left_out: tuple[str, ...]

    def has(self, run: Recorded) -> bool:
        """Whether a run wrote something."""
        return run.run_id in self.runs


def written(runs: Sequence[tuple[RecordedCell, Recorded]], query: Query) -> ArmTexts:
    """Read what runs wrote.

    Args:
        runs: cells of a comparison, each with its run.
        query: to the record of them.
    """
    arms: dict[Where, dict[str, dict[int, WrittenTexts]]] = {}
    known, left_out = set[str](), []
    for cell, run in runs:
        if not wrote(run):
            continue
        known.add(run.run_id)
        try:
            kept = read_written(query, run, "test")
        except StoreError as error:
            left_out.append(str(error))
            continue
        if kept is not None:
            of_arm = arms.setdefault((cell.model, cell.init, cell.task), {})
            of_arm.setdefault(cell.method, {})[cell.seed] = kept
    return ArmTexts(arms, frozenset(known), tuple(left_out))


def wrote(run: Recorded) -> bool:
    """Whether a run is of a model that writes texts, which alone have a perplexity."""
    return "test/perplexity" in run.scores


def by_example(texts: WrittenTexts, metric: str) -> NDArray[np.float64] | None:
    """The score of each example, shape (n,), the mean of its draws; None of no such metric."""
    return texts.scores[metric].mean(0) if metric in texts.scores else None
