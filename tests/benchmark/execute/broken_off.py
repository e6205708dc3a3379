"""A study whose runs are broken off, and a command that keeps them every moment.

`python -m tests.benchmark.execute.broken_off STUDY STORE SECONDS [SLURM]` trains what is to do of a
study as `bench run` does, but takes so many seconds of training for worth keeping.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.execute.scheduler import Scheduler, run_plan
from benchmark.execute.todo import todo
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.session.session import Session
from benchmark.store.connection import Connection
from benchmark.store.store import Store

#: A body that is pre-trained, what keeps something from step to step, and a teacher.
STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import SMART, Base, Mixout, SelfKD
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import TextTask

before = MaskedLanguageModelling(steps=STEPS, batch_size=16, length=16, lr=1e-3)
tiny = Bert(layers=1, width=32, heads=2, pretraining=before)
study = Study(
    name="broken-off",
    task=TextTask("data", label="label", vocabulary=300),
    arms=[Arm(tiny, "pretrained", m) for m in (Base(), SelfKD() + Mixout() + SMART(alpha=0))],
    comparison=Comparison("base", "self_kd+mixout+smart"),
    judging=Judging(margin=2.0),
    training=Training(epochs=EPOCHS, batch_size=16, lr=1e-3, max_length=32, device="cpu"),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""
_WORDS = {"fruit": "apple pear plum", "tools": "hammer saw drill", "birds": "robin heron finch"}
_FILLER = ["the", "a", "of", "near", "with", "under", "some", "many", "old", "new", "small"]
#: What two attempts at the same run need not have alike.
_OF_THE_MACHINE = ("seconds", "load_", "memory_mb", "processors")


def written(folder: Path, epochs: int = 3, steps: int = 300) -> Path:
    """The study in a folder, and its data beside it; an epoch has a hundred steps."""
    draws = np.random.default_rng(0)
    (folder / "data").mkdir()
    for split, rows in {"train": 1600, "dev": 60, "test": 60}.items():
        lines = ["text,label"]
        for i in range(rows):
            label = list(_WORDS)[i % 3]
            words = [*draws.choice(_FILLER, 8), draws.choice(_WORDS[label].split()), split, str(i)]
            lines.append(f"{' '.join(words)},{label}")
        (folder / "data" / f"{split}.csv").write_text("\n".join(lines))
    path = folder / "study.py"
    path.write_text(STUDY.replace("EPOCHS", str(epochs)).replace("STEPS", str(steps)))
    return path


def command(study: Path, store: Path, seconds: float, *slurm: str) -> list[str]:
    """The command line of this file."""
    return [
        sys.executable,
        "-m",
        "tests.benchmark.execute.broken_off",
        str(study),
        str(store),
        str(seconds),
        *slurm,
    ]


def begun(study: Path, store: Path, seconds: float, *slurm: str) -> "subprocess.Popen[bytes]":
    """The command, running."""
    return subprocess.Popen(command(study, store, seconds, *slurm), cwd=Path(__file__).parents[3])


def outcome(store: Path) -> dict[str, Any]:
    """All that is recorded of every finished run by its key, but what the machine has a part in."""
    query = Query(Connection(Store(str(store))))
    return {key: _of(query, run) for key, run in query.finished().items()}


def runs(store: Path) -> list[Recorded]:
    """Every attempt, the oldest first."""
    if not (store / "mlflow.db").exists():
        return []
    return Query(Connection(Store(str(store)))).runs("tags.key != ''")


def wait_until(what: Callable[[], object], seconds: float = 120) -> None:
    """Until something holds."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.05)


def _of(query: Query, run: Recorded) -> dict[str, Any]:
    client = query.connection.client
    kept = query.artifact(run.run_id, "predictions.npz")
    arrays = np.load(kept, allow_pickle=False) if kept else {}  # a pre-training has none
    predictions = {name: arrays[name].tolist() for name in arrays}
    curves = {
        name: [(point.step, point.value) for point in client.get_metric_history(run.run_id, name)]
        for name in run.scores
        if not any(each in name for each in _OF_THE_MACHINE)
    }
    return {"curves": curves, "predictions": predictions, "parameters": dict(run.parameters)}


def main(study: str, store: str, seconds: str, slurm: str | None = None) -> int:
    """Train what is to do, by jobs of a cluster where its options are given."""
    told = {"data": None, "study": Path(study), "optuna_storage": None, "workers": 1}
    where = {"engine": "slurm", "slurm": slurm} if slurm else {}
    options = argparse.Namespace(**told, **where, debug=False)
    session = Session.of(options, store=Store(store))
    with session.at_work():
        made, finished = session.settled(session.plan())
        scheduler = Scheduler(
            session.engine,
            session.query,
            session.writer,
            session.writer.experiment(made.study.name),
            {},
            checkpoint_every=float(seconds),
        )
        needed = todo(made, finished, session.store).jobs
        done = run_plan(made, needed, scheduler, lambda _: 1.0, lambda _: None)
    return 1 if done.failed or done.interrupted else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
