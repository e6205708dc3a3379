"""Folders in which `transformers.Trainer` leaves runs: their scores, and what their paths say."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stats.errors import ScoresError
from stats.table.reading.named_runs import methods_and_seeds
from stats.table.reading.place import Place
from stats.table.reading.texts import bytes_of, text_of

_RESULTS, _STATE = "all_results.json", "trainer_state.json"
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")

#: What is a number and no score.
_NO_SCORE = re.compile(
    r"train_.*|epoch|step|total_flos|.*_(runtime|samples|samples_per_second|steps_per_second"
    r"|model_preparation_time|jit_compilation_time)"
)


@dataclass(frozen=True)
class TrainerRun:
    """A run as its folder has it.

    Attributes:
        scores: by metric, as "eval_accuracy".
        taken: from where, in words.
    """

    folder: Path
    scores: Mapping[str, float]
    taken: str


def read_trainer_folders(
    folders: Sequence[Path],
) -> tuple[list[str], list[list[str]], list[Place]]:
    """The runs in folders as a table: its header, rows, and where each row stands.

    Columns are `method` and `seed`, where the paths say them; `folder.1`, `folder.2` … the parts
    of the path from the first in which two runs differ; and every metric.

    Args:
        folders: of runs, or around them.

    Raises:
        ScoresError: as of `trainer_runs`.
    """
    runs = trainer_runs(folders)
    named = methods_and_seeds([str(run.folder) for run in runs], numbers_are_seeds=True)
    parts = _differing([run.folder.absolute().parts for run in runs])
    all_methods = all(method for method, _ in named)
    some_seeds = any(seed is not None for _, seed in named)
    rows: list[dict[str, str]] = []
    for run, (method, seed), own in zip(runs, named, parts, strict=True):
        row = {f"folder.{i}": part for i, part in enumerate(own, 1)}
        row |= {"method": method} if all_methods else {}
        row |= {"seed": "" if seed is None else str(seed)} if some_seeds else {}
        rows.append(row | {name: repr(score) for name, score in run.scores.items()})
    header = list(dict.fromkeys(name for row in rows for name in row))
    places = [Place(str(run.folder), run.taken) for run in runs]
    return header, [[row.get(name, "") for name in header] for row in rows], places


def trainer_runs(folders: Sequence[Path]) -> list[TrainerRun]:
    """The runs in folders, each with the scores that it ended with.

    `all_results.json` goes first; what it lacks is in `trainer_state.json`, of the folder or of its
    last checkpoint: the evaluation at the best step where the Trainer kept one, else the last.
    Nothing else is opened, and `training_args.bin`, which is a pickle, never.

    Raises:
        ScoresError: a folder without any, a file that cannot be read, or a run without scores.
    """
    runs: dict[Path, None] = {}
    for folder in folders:
        found = sorted({*folder.rglob(_RESULTS), *folder.rglob(_STATE)})
        if not found:
            raise ScoresError(
                f"{folder}: no scores in this directory: neither {_RESULTS} nor {_STATE}, nor "
                "results_*.json or samples_*.jsonl of lm-evaluation-harness"
            )
        runs |= dict.fromkeys(_run_of(path) for path in found)
    return [_read(folder) for folder in runs]


def told(runs: Sequence[TrainerRun]) -> str:
    """From where the scores of runs are, in one line.

    >>> told([TrainerRun(Path("a"), {}, "all_results.json")])
    'scores of 1 run from all_results.json.'
    """
    counts = Counter(run.taken for run in runs)
    parts = [f"{n} run{'s' * (n > 1)} from {where}" for where, n in counts.items()]
    return f"scores of {'; '.join(parts)}."


def _run_of(path: Path) -> Path:
    """The folder of the run that a file belongs to, which keeps the states of its checkpoints."""
    folder = path.parent
    of_checkpoint = path.name == _STATE and _CHECKPOINT.fullmatch(folder.name)
    return folder.parent if of_checkpoint else folder


def _read(folder: Path) -> TrainerRun:
    results, state = folder / _RESULTS, _state_of(folder)
    scores = _scores(_object(results)) if results.is_file() else {}
    taken = [_RESULTS] if scores else []
    if state:
        evaluated, which = _evaluation(_object(state))
        more = {name: score for name, score in evaluated.items() if name not in scores}
        taken += [f"the {which} evaluation in {_STATE}"] if more else []
        scores |= more
    if not scores:
        raise ScoresError(
            f"{folder}: no evaluation in {_RESULTS} or {_STATE}; it was trained without one"
        )
    return TrainerRun(folder, scores, " and ".join(taken))


def _state_of(folder: Path) -> Path | None:
    """The state of a run, else that of its last checkpoint."""
    if (folder / _STATE).is_file():
        return folder / _STATE
    steps = {
        int(found[1]): path
        for path in folder.glob(f"checkpoint-*/{_STATE}")
        if (found := _CHECKPOINT.fullmatch(path.parent.name))
    }
    return steps[max(steps)] if steps else None


def _evaluation(state: Mapping[str, Any]) -> tuple[dict[str, float], str]:
    """What was scored at the best step where one was kept, else last; and which of both it is."""
    history = [each for each in state.get("log_history") or [] if isinstance(each, dict)]
    evaluated = [(each.get("step"), scores) for each in history if (scores := _scores(each))]
    best = state.get("best_global_step")
    if best is None and (kept := state.get("best_model_checkpoint")):
        found = _CHECKPOINT.search(str(kept))
        best = int(found[1]) if found else None
    at_best = [scores for step, scores in evaluated if step == best]
    merged: dict[str, float] = {}
    for scores in at_best or (scores for _, scores in evaluated):
        merged |= scores  # an evaluation of several sets has an entry for each
    return merged, "best" if at_best else "last"


def _scores(held: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in held.items()
        if name.startswith(("eval_", "test_", "predict_"))
        and not _NO_SCORE.fullmatch(name)
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    }


def _object(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(text_of(bytes_of(path), str(path)))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ScoresError(f"{path}: not JSON ({error}); it may be cut short") from error
    if not isinstance(found, dict):
        raise ScoresError(f"{path}: no file of transformers.Trainer")
    return found


def _differing(paths: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The parts of each from the first in which two differ; the last part of a path alone."""
    most = min(len(parts) for parts in paths) - 1
    shared = 0
    while shared < most and len({parts[shared] for parts in paths}) == 1:
        shared += 1
    return [parts[shared:] for parts in paths]
