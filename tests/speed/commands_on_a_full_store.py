"""Seconds of commands on a study whose runs are all recorded, in a store that others filled.

`python tests/speed/commands_on_a_full_store.py` makes a store with a finished study of 80 runs and
20,000 finished runs of other studies, then runs each command in turn, in processes of their own,
and prints the median of their seconds beside the load of the machine and its processors.
`--store DIR` keeps the store there, or takes the one that is there; `--runs N` is how many others
have.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

ROUNDS = 3
COMMANDS = (("plan", "study.py"), ("run", "study.py"), ("stats",), ("report", "--out", "page"))
STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base, SelfKD, TFReg
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits

training = Training(epochs=5, batch_size=16, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1), train=20, dev=20, test=20), training=training)
study = Study(
    name="finished",
    task=Digits(digits=(2, 3), train=20, dev=40, test=120),
    arms=Arm.grid(
        ResNet((8,), pretraining=source),
        ["pretrained", "scratch"],
        [Base(), LS(), TFReg(), SelfKD()],
    ),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd"]),
    judging=Judging(margin=2.0),
    training=training,
    seeds=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
)
"""
#: Where MLflow keeps a run, and the columns of each table but the one with the run's id.
TABLES = {
    "tags": "key, value",
    "params": "key, value",
    "latest_metrics": "key, value, timestamp, step, is_nan",
    "metrics": "key, value, timestamp, step, is_nan",
}
RUN = (
    "name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, "
    "deleted_time, source_version, lifecycle_stage, artifact_uri"
)


def make(folder: Path, others: int) -> None:
    """The study file and a store with its runs, and with so many of others."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.py").write_text(STUDY)
    record(folder)
    command(folder, "run", "study.py")  # which records the report
    fill(folder / "mlruns" / "mlflow.db", others)


def record(folder: Path) -> None:
    """Write every run of the study as finished, with all that a worker would say of it."""
    from benchmark.declare.loading import load_study
    from benchmark.record.environment import tags_here
    from benchmark.record.provenance import provenance
    from benchmark.record.writer import Writer
    from benchmark.runs.kinds import TrainRun
    from benchmark.runs.plan import make_plan
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store

    plan, random = make_plan(load_study(folder / "study.py")), np.random.default_rng(0)
    writer = Writer(Connection(Store(str(folder / "mlruns"))))
    experiment = writer.experiment(plan.study.name)
    everywhere = provenance(folder) | tags_here("cpu", ())
    for run in plan.runs.values():
        if not isinstance(run, TrainRun):
            continue
        finish(writer, experiment, run, everywhere, random)


def finish(writer, experiment: str, run, everywhere: dict[str, str], random) -> str:
    """Write a run as finished, with all that a worker would say of it; returns MLflow's id."""
    tags = {**run.tags(), **everywhere, "role": run.role, "key": run.key, "kind": run.kind}
    opened = writer.start(experiment, run.name, tags, run.parameters)
    for epoch in range(1, 6):
        writer.log(opened, {"epoch/accuracy": 60.0 + epoch, "epoch/loss": 1 / epoch}, epoch)
    right, logits = int(random.integers(80, 110)), random.normal(0, 1, (120, 2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.npz"
        np.savez(path, test_labels=np.arange(120) % 2, test_logits=logits)
        writer.attach(opened, path)
    names = ("accuracy", "f1", "matthews", "nll", "ece", "brier")
    scores = {f"{split}/{name}": right / 1.2 for split in ("dev", "test") for name in names}
    spent = dict.fromkeys(("seconds", "cpu_seconds", "steps", "best_epoch"), 5.0)
    writer.end(opened, "FINISHED", "finished", {}, scores | spent)
    return opened


def fill(database: Path, others: int) -> None:
    """Copy the study's runs into studies of others, under keys of their own."""
    with closing(sqlite3.connect(database)) as store, store:
        mine = "run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'key')"
        (count,) = store.execute(f"SELECT count(*) FROM runs WHERE {mine}").fetchone()
        for copy in range(-(-others // count)):
            identifier, most = (
                f"printf('%08x', {copy}) || substr(run_uuid, 9)",
                others - copy * count,
            )
            chosen = f"SELECT run_uuid FROM runs WHERE {mine} AND experiment_id = 1 LIMIT {most}"
            store.execute(
                "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) "
                "SELECT ?, ?, artifact_location, lifecycle_stage FROM experiments "
                "WHERE experiment_id = 1",
                (copy + 2, f"study {copy} of somebody"),
            )
            store.execute(
                f"INSERT INTO runs (run_uuid, experiment_id, {RUN}) "
                f"SELECT {identifier}, {copy + 2}, {RUN} FROM runs WHERE run_uuid IN ({chosen})"
            )
            for table, columns in TABLES.items():
                store.execute(
                    f"INSERT INTO {table} (run_uuid, {columns}) SELECT {identifier}, {columns} "
                    f"FROM {table} WHERE run_uuid IN ({chosen})"
                )
            store.execute(
                "UPDATE tags SET value = printf('%08x', ?) || substr(value, 9) WHERE key IN "
                "('key', 'kind', 'needs.body', 'needs.teacher') AND run_uuid IN "
                "(SELECT run_uuid FROM runs WHERE experiment_id = ?)",
                (copy, copy + 2),
            )


def command(folder: Path, *arguments: str) -> float:
    """Seconds that a command takes from its start to its end, which must be a good one."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 to do" in done.stdout or arguments[0] != "plan", done.stdout
    return seconds


def measure(folder: Path) -> None:
    """Print the seconds of each command, in rounds that take one after the other."""
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db")) as store:
        (count,) = store.execute("SELECT count(*) FROM tags WHERE key = 'key'").fetchone()
    print(
        f"{count:,} runs with a key; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    )
    seconds: dict[str, list[float]] = {arguments[0]: [] for arguments in COMMANDS}
    for _ in range(ROUNDS):
        for arguments in COMMANDS:
            seconds[arguments[0]].append(command(folder, *arguments))
    for name, taken in seconds.items():
        print(f"bench {name:7} {median(taken):6.2f} s   from {min(taken):.2f} to {max(taken):.2f}")
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def main() -> None:
    """Make the store where it is not there yet, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, metavar="DIR", help="default: one for this call")
    parser.add_argument("--runs", type=int, default=20_000, metavar="N", help="default: 20,000")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.store or Path(scratch)).resolve()
        if not (folder / "mlruns").exists():
            make(folder, options.runs)
        measure(folder)


if __name__ == "__main__":
    main()
