"""Seconds a run takes: a study of armbench beside `transformers.Trainer`, as people use that.

`make bench`, or `python tests/speed/study_vs_trainer.py --record FILE --figure FILE`, trains the
runs of the demo (a BERT of 2 layers × 128 on 1,200 short texts, batches of 32, 5 epochs with an
evaluation on dev after each, and one on 1,600 test texts at the end), variant after variant,
several times over, and prints medians over the rounds, with the load of the machine before each:

- study: `bench run` with two workers, the whole command from its start to its verdicts, by the
  number of its runs; the data are prepared and encoded before;
- trainer: `Trainer` with fused AdamW in float32 on two threads, one run after the other, as most
  people run it; its imports and the encoding of its texts are not counted;
- trainer, tuned: the same in bf16 where the processor has it, batches by length, two processes of
  one thread;
- kd: a study of runs that learn from a teacher of 2 layers × 192, whose training is counted, and
  `Trainer` with one that is asked in every step, as most people write it, and was not trained.

All keep freed memory for the next allocation, as armbench's workers do. `--small` is to see that
it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base, Teacher
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Docstrings

student, teacher = Bert(layers=2, width=128), Teacher(Bert(layers=2, width=192), "scratch")
study = Study(
    name="NAME",
    task=Docstrings(label="package", train=TRAIN, dev=400, test=1600, vocabulary=4096),
    arms=[ARMS],
    comparison=Comparison(COMPARED),
    judging=Judging(margin=1.0),
    training=Training(epochs=EPOCHS, batch_size=32, lr=1e-3, max_length=48, device="cpu"),
    seeds=SEEDS,
    allow_underpowered=True,
)
"""
ARMS = {
    "plain": ('Arm(student, "scratch", Base()), Arm(student, "scratch", LS())', '"base", "ls"'),
    "kd": (
        'Arm(student, "scratch", KD(teacher=teacher)), '
        'Arm(student, "scratch", KD(teacher=teacher, alpha=0.9), name="more")',
        '"kd", "more"',
    ),
}


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        rounds: of all variants.
        train: texts.
        epochs: of each run.
        seeds: of a study of two arms.
        runs: of each `Trainer`, by variant.
    """

    rounds: int = 3
    train: int = 1200
    epochs: int = 5
    seeds: int = 6
    runs: int = 2


SMALL = Size(rounds=1, train=240, epochs=1, seeds=2, runs=2)


def written(folder: Path, name: str, kind: str, size: Size, epochs: int, seeds: int) -> Path:
    """The file of a study of two arms."""
    arms, compared = ARMS[kind]
    told = {"NAME": name, "ARMS": arms, "COMPARED": compared, "EPOCHS": str(epochs)}
    told |= {"TRAIN": str(size.train), "SEEDS": str(tuple(range(1, seeds + 1)))}
    text = STUDY
    for word, value in told.items():
        text = text.replace(word, value)
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def study(folder: Path, kind: str, size: Size, number: int) -> float:
    """Seconds a run of a study that trains everything anew but its data."""
    path = written(folder, f"{kind}_{number}", kind, size, size.epochs, size.seeds)
    began = time.perf_counter()
    bench("run", path, "--workers", 2, "--store", folder / f"store-{number}-{kind}")
    return (time.perf_counter() - began) / (2 * size.seeds)


def prepared(folder: Path, size: Size) -> Path:
    """A store that has the data and the encoded texts; the folder of the data."""
    bench("run", written(folder, "first", "plain", size, 1, 2), "--store", folder / "prepared")
    (data,) = (folder / "prepared" / "cache" / "data").iterdir()
    return data


def with_data(folder: Path, number: int, kind: str) -> None:
    """A store for a study that has them already."""
    for part in ("data", "encoded"):
        target = folder / f"store-{number}-{kind}" / "cache" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", folder / "prepared" / "cache" / part, target], check=True)


def bench(*arguments: object) -> None:
    """A command that must end well."""
    command = [sys.executable, "-m", "benchmark", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def trainer(data: Path, variant: str, size: Size, processes: int) -> float:
    """Seconds a run of `Trainer`, of so many processes side by side."""
    script = Path(__file__).with_name("trainer_loop.py")
    command = [sys.executable, script, variant, data, size.train, size.epochs, size.runs]
    begun = [
        subprocess.Popen([*map(str, command), str(seed)], stdout=subprocess.PIPE, text=True)
        for seed in range(processes)
    ]
    said = [each.communicate()[0] for each in begun]
    assert not any(each.returncode for each in begun), said
    return median(float(each.split()[-1]) for each in said) / processes


def measured(size: Size, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds a run by variant and round, and what they were measured on."""
    seconds: dict[str, list[float]] = {}
    loads: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = prepared(folder, size)
        for number in range(size.rounds):
            for kind in ("plain", "kd"):
                with_data(folder, number, kind)
            variants: dict[str, Callable[[], float]] = {
                "study": lambda number=number: study(folder, "plain", size, number),
                "trainer, tuned": lambda: trainer(data, "tuned", size, 2),
                "trainer": lambda: trainer(data, "usual", size, 1),
                "study, kd": lambda number=number: study(folder, "kd", size, number),
                "trainer, kd": lambda: trainer(data, "kd", size, 1),
            }
            for name, measure in variants.items():
                loads.append(os.getloadavg()[0])
                seconds.setdefault(name, []).append(measure())
                say(f"{name:15} {seconds[name][-1]:6.2f} s a run, load {loads[-1]:.1f} before")
    found = {name: median(each) for name, each in seconds.items()}
    return {
        "seconds_a_run": found,
        "rounds": seconds,
        "ratios": {
            "trainer": found["trainer"] / found["study"],
            "trainer, tuned": found["trainer, tuned"] / found["study"],
            "trainer, kd": found["trainer, kd"] / found["study, kd"],
        },
        "size": vars(size),
        "load_before": loads,
        "processors": os.cpu_count(),
        "machine": platform.processor() or platform.machine(),
        "versions": {name: version(name) for name in ("torch", "transformers", "accelerate")},
        "measured": time.strftime("%Y-%m-%d %H:%M"),
    }


def drawn(found: dict[str, Any], path: Path) -> None:
    """A bar for each variant."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
    names = list(found["seconds_a_run"])[::-1]
    values = [found["seconds_a_run"][name] for name in names]
    ours = ["#2a6f97" if name.startswith("study") else "#b0b7bd" for name in names]
    bars = axes.barh(names, values, color=ours)
    axes.bar_label(bars, [f"{value:.2f} s" for value in values], padding=3)
    axes.set_xlabel("seconds a run, median over rounds")
    axes.margins(x=0.12)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path)


def main() -> None:
    """Measure, print, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--small", action="store_true", help="runs of seconds, to see that it works"
    )
    parser.add_argument("--record", type=Path, help="JSON file for what is found")
    parser.add_argument("--figure", type=Path, help="file for a figure of it")
    asked = parser.parse_args()
    found = measured(SMALL if asked.small else Size(), lambda line: print(line, flush=True))
    for name, ratio in found["ratios"].items():
        print(f"{name} takes {ratio:.2f} times as long a run as the study")
    if asked.record:
        asked.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.figure:
        drawn(found, asked.figure)


if __name__ == "__main__":
    main()
