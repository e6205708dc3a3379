"""How far the probabilities of each arm can be trusted, from what its runs said on test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.errors import StoreError
from benchmark.record.predictions import Predictions, read_predictions
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.study_record import RecordedCell
from stats.items.calibration import Calibration, calibration


@dataclass(frozen=True)
class Calibrated:
    """Reliability of arms, the predictions of all seeds of an arm joined.

    Attributes:
        arms: by model, init and task, then by arm.
        drawn: by model, init and task, how many runs are in them.
        left_out: what could not be read, with the names of the runs.
    """

    arms: Mapping[tuple[str, str, str], Mapping[str, Calibration]]
    drawn: Mapping[tuple[str, str, str], int]
    left_out: tuple[str, ...]


def calibrated(runs: Sequence[tuple[RecordedCell, Recorded]], query: Query) -> Calibrated:
    """Read the predictions of runs.

    Args:
        runs: cells of a comparison, each with its run.
        query: to the record of them.
    """
    arms: dict[tuple[str, str, str], dict[str, Calibration]] = {}
    drawn: Counter[tuple[str, str, str]] = Counter()
    left_out: list[str] = []
    grouped: dict[tuple[str, str, str, str], list[Recorded]] = {}
    for cell, run in runs:
        where = (cell.model, cell.init, cell.task, cell.method)
        grouped.setdefault(where, []).append(run)
    for (*place, arm), of_arm in grouped.items():
        joined: list[Predictions] = []
        for run in of_arm:
            try:
                kept = read_predictions(query, run, "test")
            except StoreError as error:
                left_out.append(str(error))
                continue
            joined += [kept] if kept else []
        if joined:
            model, init, task = place
            drawn[model, init, task] += len(joined)
            arms.setdefault((model, init, task), {})[arm] = calibration(
                np.concatenate([each.logits for each in joined]),
                np.concatenate([each.labels for each in joined]),
            )
    return Calibrated(arms, drawn, tuple(left_out))
