"""What tuning costs beyond training, and what pruning saves.

`python tests/speed/tuning.py overhead` runs a search on an engine that trains nothing: what is
left is proposing, judging, telling and recording, in milliseconds a trial (sqlite for both MLflow
and Optuna).

`… processes` starts eight `bench tune` at once on one search in one sqlite file and looks for
errors; `… workers` does the same search with eight workers of one process.

`… pruning` runs `studies/tuned_label_smoothing.py` with ASHA and without, and prints training
steps, seconds and the best score on dev of each (about ten minutes on two cores); `… small-pruning`
does the same with a residual network on digits (about two minutes).
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmark.declare.loading import load_study
from benchmark.execute.job import Ended, Job, Progress
from benchmark.record.writer import Writer
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from benchmark.tuning.optuna_study import open_storage
from benchmark.tuning.search_loop import SearchLoop
from benchmark.tuning.tune import StudyTuning

CHOICES = ("overhead", "processes", "workers", "pruning", "small-pruning")
STUDIES = Path(__file__).resolve().parents[2] / "studies"
SMALL = """
from benchmark import Arm, Comparison, Judging, Range, Search, Study, Tuning
from trainers.methods import LS, Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

study = Study(
    name="small",
    task=Digits(digits=(5, 6, 7, 8), train=80, dev=80, test=120),
    arms=Arm.grid(ResNet((8,)), "scratch", [Base(), LS()],
                  search=Search(lr=Range(1e-4, 1e-1, log=True), epsilon=[0.1, 0.4])),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=2.0),
    training=Training(epochs=9, lr=3e-3, device="cpu", precision="float32"),
    tuning=Tuning(trials=TRIALS, ahead=8),
)
"""


class NoTraining:
    """An engine whose runs are over at once, with made-up curves."""

    free = 2

    def __init__(self) -> None:
        self._events: list[Progress | Ended] = []

    def choose(self, jobs: Sequence[Job]) -> Job | None:
        return jobs[0] if jobs else None

    def start(self, job: Job) -> None:
        score = int(job.run.key[:4], 16) / 655.36
        for epoch in range(1, 10):
            self._events.append(Progress(job.run.key, epoch / 9, "", epoch, score))
        self._events.append(Ended(job.run.key, "finished", scores={"dev/accuracy": score}))

    def cancel(self, key: str) -> None:
        pass

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        found, self._events = self._events, []
        return found

    def stop(self) -> Sequence[Ended]:
        return []


class Clock:
    """Notes when trials end."""

    def __init__(self) -> None:
        self.loops: list[SearchLoop] = []
        self.ends: dict[tuple[str, int], float] = {}

    def on_search(self, loop: SearchLoop) -> None:
        self.loops.append(loop)

    def on_event(self, event: Progress | Ended) -> None:
        for loop in self.loops:
            for trial in loop.trials:
                if trial.end:
                    key = (loop.searching.name, trial.number)
                    self.ends.setdefault(key, time.perf_counter())


def overhead(folder: Path) -> None:
    study_file = folder / "small.py"
    study_file.write_text(SMALL.replace("TRIALS", "40"))
    study, connection = load_study(study_file), Connection(Store(str(folder / "mlruns")))
    experiment = Writer(connection).experiment(study.name)
    tuning = StudyTuning(study, connection, open_storage(f"sqlite:///{folder / 'optuna.db'}"))
    clock = Clock()
    started = time.perf_counter()
    done = tuning.run(NoTraining(), experiment, {}, clock, lambda _: None)
    seconds = time.perf_counter() - started
    deciding = sum(loop.overhead for loop in clock.loops)
    trials = sum(len(r.trials) for r in done.results)
    ends = sorted(clock.ends.values())
    gaps = [b - a for a, b in pairwise(ends)]
    print(f"{trials} trials, {1000 * deciding / trials:.0f} ms of deciding and recording a trial")
    print(f"{1000 * median(gaps):.0f} ms from one trial's end to the next at the median")
    print(f"{1000 * seconds / trials:.0f} ms a trial of the whole search's {seconds:.1f} s")


def processes(folder: Path) -> None:
    study = folder / "small.py"
    study.write_text(SMALL.replace("TRIALS", "24"))
    url = f"sqlite:///{folder / 'shared.db'}"
    started = time.perf_counter()
    running = [_tune(study, folder, f"store{i}", 1, url) for i in range(8)]
    _report(running, started)


def workers(folder: Path) -> None:
    study = folder / "small.py"
    study.write_text(SMALL.replace("TRIALS", "24"))
    started = time.perf_counter()
    _report([_tune(study, folder, "store", 8, f"sqlite:///{folder / 'shared.db'}")], started)


def _tune(study: Path, folder: Path, store: str, count: int, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmark", "tune", str(study), "--workers", str(count)]
    command += ["--store", str(folder / store), "--optuna-storage", url]
    output = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, text=True)


def _report(running: list[subprocess.Popen[str]], started: float) -> None:
    outputs = [process.communicate()[0] for process in running]
    codes = [process.returncode for process in running]
    locked = sum("locked" in output for output in outputs)
    seconds = time.perf_counter() - started
    print(f"{len(running)} processes ended with {codes}, {locked} lock errors, {seconds:.0f} s")
    for output, code in zip(outputs, codes, strict=True):
        if code:
            print(output)


def pruning(folder: Path) -> None:
    _with_and_without_pruning((STUDIES / "tuned_label_smoothing.py").read_text(), folder)


def small_pruning(folder: Path) -> None:
    _with_and_without_pruning(SMALL.replace("trials=TRIALS, ahead=8", 'pruner="asha"'), folder)


def _with_and_without_pruning(text: str, folder: Path) -> None:
    for pruner in ("none", "asha"):
        copy, store = folder / f"{pruner}.py", folder / pruner
        copy.write_text(text.replace('pruner="asha"', f'pruner="{pruner}"'))
        command = [sys.executable, "-m", "benchmark", "tune", str(copy), "--store", str(store)]
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        storage = open_storage(f"sqlite:///{store / 'optuna.db'}")
        connection = Connection(Store(str(store)))
        for tuned in StudyTuning(load_study(copy), connection, storage).results():
            best = tuned.best.value if tuned.best and tuned.best.value else float("nan")
            print(
                f"{pruner}: {tuned.searching.name}: {len(tuned.trials)} settings, "
                f"{tuned.steps:,} steps, {tuned.count('pruned')} pruned, best on dev {best:.2f}"
            )
        print(f"{pruner}: {seconds:.0f} s in all")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=CHOICES)
    chosen = parser.parse_args().what
    with tempfile.TemporaryDirectory() as scratch:
        globals()[chosen.replace("-", "_")](Path(scratch))
