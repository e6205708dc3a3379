"""Runs that are killed between steps, each attempt of which finds nothing but a folder."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainers.loop import Fit, Trained
from trainers.resume.checkpoints import Keeper
from trainers.resume.snapshot import Snapshot


class Killed(BaseException):
    """Stands for the end of a process."""


def kept_in(folder: Path) -> Callable[[Snapshot], None]:
    """Writes snapshots into a folder, which is made anew by each."""

    def keep(snapshot: Snapshot) -> None:
        folder.mkdir(exist_ok=True)
        snapshot.save(folder)

    return keep


def attempt(folder: Path, offers: float, **options: Any) -> Keeper:
    """An attempt that goes on from a folder, and is killed at so many chances to write itself down.

    What the process before it drew from the generators that all share, it does not know.
    """
    for scramble in (torch.manual_seed, np.random.seed, random.seed):
        scramble(random.SystemRandom().getrandbits(31))
    left = offers

    def asked() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    def stop() -> None:
        raise Killed

    found = Snapshot.open(folder) if folder.exists() else None
    return Keeper(kept_in(folder), found, every=0.0, asked=asked, stop=stop, **options)


def counting(run: Callable[[Keeper], object]) -> tuple[int, object]:
    """How often a run could be written down, from its start to its end, and its undisturbed end."""
    count = 0

    def asked() -> bool:
        nonlocal count
        count += 1
        return False

    ended = run(Keeper(lambda _: None, every=float("inf"), asked=asked))
    return count, ended


def killed_at(chosen: Iterable[int], folder: Path, run: Callable[[Keeper], object]) -> object:
    """What a run ends with that is killed at some of its chances, counted from its start.

    Each time it has to have written down what it goes on from.
    """
    done, written = 0, b""
    for chance in sorted(chosen):
        try:
            run(attempt(folder, chance - done))
        except Killed:
            last = folder.joinpath("state.json").read_bytes() if folder.exists() else b""
            assert last != written, "nothing was written down"
            done, written = chance, last
            continue
        raise AssertionError(f"it ended before chance {chance}")
    return run(attempt(folder, float("inf")))


def outcome(fit: Fit, checkpoints: Keeper) -> dict[str, Any]:
    """All that a run ends with, apart from what it took."""
    reports: list[Any] = []
    trained: Trained = fit.run(lambda: fit.dev_set, reports.append, checkpoints)
    return {
        "weights": {k: v.tolist() for k, v in trained.model.state_dict().items()},
        "logits": {k: v.tolist() for k, v in trained.logits.items()},
        "scores": trained.scores,
        "best": (trained.best_epoch, trained.steps),
        "reports": reports,
    }
