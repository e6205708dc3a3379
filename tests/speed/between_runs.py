"""What a run takes beside its training: from a run's end to the next one's start, and around it.

`python tests/speed/between_runs.py` trains a dozen runs like those of the demo one after the other,
in a store of their own, and prints what the record says of them, beside the load of the machine:
milliseconds from the end of each to the start of the next, seconds from one start to the next, and
how much of these was not training. `--workers N` takes N workers, of whom the first two columns say
nothing then; `--keep DIR` keeps the store there.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base, SelfKD, TFReg
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Docstrings

study = Study(
    name="between",
    task=Docstrings(label="package", train=1200, dev=400, test=1600, vocabulary=4096),
    arms=Arm.grid(Bert(layers=2, width=128), "scratch", [Base(), LS(), TFReg(), SelfKD()]),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd"]),
    judging=Judging(margin=1.0),
    training=Training(epochs=EPOCHS, batch_size=32, lr=1e-3, max_length=48),
    seeds=(1, 2, 3),
    allow_underpowered=True,
)
"""
#: By run: when it began and ended, in milliseconds, and the seconds of its training.
RECORDED = """
SELECT runs.start_time, runs.end_time, latest_metrics.value
FROM runs JOIN latest_metrics USING (run_uuid) JOIN tags USING (run_uuid)
WHERE latest_metrics.key = 'seconds' AND tags.key = 'role' AND tags.value = 'arm'
ORDER BY runs.start_time
"""


def trained(folder: Path, epochs: int, workers: int) -> list[tuple[int, int, float]]:
    """What the record says of the runs, the first of which began first."""
    (folder / "study.py").write_text(STUDY.replace("EPOCHS", str(epochs)))
    command = [sys.executable, "-m", "benchmark", "run", "study.py", "--workers", str(workers)]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db")) as store:
        return store.execute(RECORDED).fetchall()


def told(runs: list[tuple[int, int, float]], workers: int) -> str:
    """What is printed of runs that were trained by so many workers."""
    pairs = [*pairwise(runs)]
    span = (max(end for _, end, _ in runs) - runs[0][0]) / 1000
    between = median(after[0] - before[1] for before, after in pairs) / 1000
    training = sum(seconds for *_, seconds in runs)
    if workers > 1:
        busy = span * workers + between * len(runs)
        return f"{len(runs)} runs by {workers} workers: {100 * (1 - training / busy):.1f} % around"
    around = (span + between - training) / len(runs)
    within = median((end - start) / 1000 - seconds for start, end, seconds in runs)
    return (
        f"{len(runs)} runs of {training / len(runs):.2f} s of training: {1e3 * between:.0f} ms "
        f"from a run's end to the next one's start, {1e3 * within:.0f} ms of a run not training; "
        f"{around:.2f} s around each, {100 * around / 7:.1f} % of a run of 7 s"
    )


def main() -> None:
    """Train, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5, help="default: 5, about 4 s a run")
    parser.add_argument("--workers", type=int, default=1, help="default: 1")
    parser.add_argument("--keep", type=Path, help="folder of the store; default: it is removed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        began = time.strftime("%H:%M")
        print(
            f"{told(trained(folder, asked.epochs, asked.workers), asked.workers)}; began {began}, "
            f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
        )


if __name__ == "__main__":
    main()
