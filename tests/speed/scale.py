"""How planning, resuming and scheduling grow with the number of runs.

`python tests/speed/scale.py` prints, each beside the load of the machine:

- `bench plan` of a study of 10,000, 30,000 and 100,000 runs that are all to do: seconds, seconds of
  processors, and the most memory of its process;
- `bench run` of a finished study of 1,000, 3,000 and 10,000 runs in a sqlite store;
- the scheduler on a virtual clock: 10,000 runs of mixed length on 256 GPUs, against the lower bound
  of any order, and the seconds of a processor that it takes to decide.

`plan`, `resume` or `virtual` measures that alone.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
from commands_on_a_full_store import RUN, TABLES, finish

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

PLANNED = (10_000, 30_000, 100_000)
RESUMED = (1_000, 3_000, 10_000)
#: Ten arms, of which two take a teacher's logits and five a body that is pre-trained first.
STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base, SelfKD, Teacher, TFReg
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits

training = Training(epochs=5, batch_size=16, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1), train=20, dev=20, test=20), training=training)
study = Study(
    name="large",
    task=Digits(digits=(2, 3), train=20, dev=40, test=120),
    arms=Arm.grid(
        ResNet((8,), pretraining=source),
        ["pretrained", "scratch"],
        [Base(), LS(), TFReg(), SelfKD(), KD(teacher=Teacher(ResNet((8, 8)), init="scratch"))],
    ),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd", "kd"]),
    judging=Judging(margin=2.0),
    training=training,
    seeds=tuple(range(1, SEEDS + 1)),
)
"""


@dataclass(frozen=True)
class Cost:
    """Of a command: its seconds, those of processors, and the megabytes of its largest process."""

    wall: float
    cpu: float
    megabytes: float

    def __str__(self) -> str:
        return f"{self.wall:7.1f} s {self.cpu:7.1f} s of CPU {self.megabytes:7.0f} MB"


def load() -> str:
    """Of the machine."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def written(folder: Path, runs: int) -> Path:
    """The study file of so many runs."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.py"
    path.write_text(STUDY.replace("SEEDS", str(runs // 10)))
    return path


def command(folder: Path, *arguments: str) -> Cost:
    """What a command costs, in a child of its own so that its memory can be told."""
    measured = (
        "import json, resource, subprocess, sys, time\n"
        "began = time.perf_counter()\n"
        "done = subprocess.run([sys.executable, '-m', 'benchmark', *sys.argv[1:]],"
        " capture_output=True, text=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "assert done.returncode == 0, done.stdout + done.stderr\n"
        "print(json.dumps([time.perf_counter() - began, used.ru_utime + used.ru_stime,"
        " used.ru_maxrss / 1024]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", measured, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Cost(*json.loads(done.stdout))


def planning(folder: Path) -> None:
    """Print what `bench plan` costs."""
    for runs in PLANNED:
        written(folder, runs)
        print(f"bench plan, {runs:7,} runs to do: {command(folder, 'plan', 'study.py')}; {load()}")


def resuming(folder: Path) -> None:
    """Print what `bench run` of a finished study costs."""
    for runs in RESUMED:
        place = folder / str(runs)
        written(place, runs)
        record(place)
        command(place, "run", "study.py")  # which writes the report of runs recorded from outside
        print(f"bench run, {runs:6,} runs finished: {command(place, 'run', 'study.py')}; {load()}")


def record(folder: Path) -> None:
    """Write every run of the study as finished: one of each series in full, the others like it."""
    from benchmark.declare.loading import load_study
    from benchmark.record.environment import tags_here
    from benchmark.record.provenance import provenance
    from benchmark.record.writer import Writer
    from benchmark.runs.plan import make_plan
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store

    plan = make_plan(load_study(folder / "study.py"))
    writer = Writer(Connection(Store(str(folder / "mlruns"))))
    experiment = writer.experiment(plan.study.name)
    everywhere = provenance(folder) | tags_here("cpu", ())
    first: dict[str, str] = {}
    others, random = [], np.random.default_rng(0)
    for run in plan.runs.values():
        if not run.tracked:
            continue
        if run.series in first:
            others.append((run, first[run.series]))
            continue
        first[run.series] = finish(writer, experiment, run, everywhere, random)
    copy(folder / "mlruns" / "mlflow.db", others)


def copy(database: Path, others: list) -> None:
    """Write runs as others are, but for what tells them apart and a score of their own."""
    random = np.random.default_rng(1)
    with closing(sqlite3.connect(database)) as store, store:
        for run, like in others:
            new = uuid4().hex
            for name, kept in {"runs": f"experiment_id, {RUN}", **TABLES}.items():
                store.execute(
                    f"INSERT INTO {name} (run_uuid, {kept}) "
                    f"SELECT ?, {kept} FROM {name} WHERE run_uuid = ?",
                    (new, like),
                )
            told = run.tags() | {"key": run.key, "mlflow.runName": run.name}
            changed = [(value, new, tag) for tag, value in told.items()]
            store.executemany("UPDATE tags SET value=? WHERE run_uuid=? AND key=?", changed)
            store.execute("UPDATE runs SET name=? WHERE run_uuid=?", (run.name, new))
            score = (100 * int(random.integers(80, 110)) / 120, new)
            for name in ("latest_metrics", "metrics"):
                store.execute(
                    f"UPDATE {name} SET value=? WHERE run_uuid=? AND key='test/accuracy'", score
                )


def scheduling(folder: Path, runs: int = 10_000, gpus: int = 256) -> None:
    """Print how near the scheduler comes to the lower bound of a makespan."""
    from benchmark.declare.loading import load_study
    from benchmark.execute.engines.virtual import VirtualEngine
    from benchmark.execute.gpus.gpu import Gpu
    from benchmark.execute.gpus.packing import Packing
    from benchmark.execute.scheduler import Scheduler, run_plan, urgency_of
    from benchmark.execute.todo import todo
    from benchmark.record.query import Query
    from benchmark.record.writer import Writer
    from benchmark.runs.plan import make_plan
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store

    plan = make_plan(load_study(written(folder, runs)))
    random = np.random.default_rng(0)
    kinds = ([120.0, 0.3], [900.0, 0.3], [3600.0, 0.2])  # seconds, and how much they spread
    took = {}
    for k, run in plan.runs.items():
        middle, spread = kinds[int(random.integers(3))] if run.tracked else (60.0, 0.0)
        took[k] = middle * float(np.exp(random.normal(0, spread)))
    connection = Connection(Store(str(folder / "virtual")))
    engine = VirtualEngine(
        gpus,
        lambda run: took[run.key],
        Packing([Gpu(i, "made up", 80_000.0, str(i)) for i in range(gpus)], 1),
    )
    writer, query = Writer(connection), Query(connection)
    scheduler = Scheduler(engine, query, writer, writer.experiment("virtual"), {})
    jobs = todo(plan, {}, connection.store).jobs
    began = time.process_time()
    outcome = run_plan(plan, jobs, scheduler, lambda run: took[run.key], lambda event: None)
    spent = time.process_time() - began
    assert {ended.status for ended in outcome.ended.values()} == {"finished"}
    assert outcome.ended.keys() == jobs.keys()
    longest = max(urgency_of(plan, lambda run: took[run.key]).values())
    # Nothing begins before the data are prepared, and no GPU does more than one thing.
    prepared = sum(took[k] for k in jobs if not plan.runs[k].tracked)
    bound = max(longest, prepared + sum(took[k] for k in jobs if plan.runs[k].tracked) / gpus)
    print(
        f"{len(jobs):,} runs of 1 to 90 minutes on {gpus} GPUs: {engine.now / 3600:.2f} h, "
        f"{100 * (engine.now / bound - 1):.2f} % above the lower bound; decided in {spent:.1f} s "
        f"of CPU, {1e3 * spent / len(jobs):.2f} ms a run; {load()}"
    )


MEASURES = {"plan": planning, "resume": resuming, "virtual": scheduling}


def main() -> None:
    """Measure what is asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=[*MEASURES, []], help="default: all")
    for name in parser.parse_args().what or MEASURES:
        with tempfile.TemporaryDirectory() as scratch:
            MEASURES[name](Path(scratch))


if __name__ == "__main__":
    main()
