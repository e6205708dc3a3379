"""Scripts that run a study of moments, and modules that declare one."""

import runpy
from pathlib import Path
from typing import Any

#: With a method of its own, so that workers have to find the file.
DECLARED = """
from dataclasses import dataclass
from typing import ClassVar

from benchmark import Arm, Comparison, Judging, Study, load, run
from trainers.methods import LS, Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits


@dataclass(frozen=True)
class Mine(LS):
    name: ClassVar[str] = "mine"


def make(seeds):
    return Study(
        name="from_python",
        task=Digits(digits=(5, 6, 7), train=60, dev=60, test=120),
        arms=Arm.grid(ResNet((8,)), "scratch", [Base(), Mine(0.2)]),
        comparison=Comparison("base", "mine"),
        judging=Judging(margin=2.0),
        training=Training(epochs=2, batch_size=16, lr=1e-2, device="cpu", precision="float32"),
        seeds=seeds,
        allow_underpowered=True,
    )
"""
SCRIPT = f"""{DECLARED}
results = None
if __name__ == "__main__":
    results = run(make((1, 2)), engine=ENGINE, workers=1)
"""


def execute(path: Path, source: str) -> dict[str, Any]:
    """Execute a script as `python FILE` does, in this process; returns what it binds."""
    path.write_text(source)
    return runpy.run_path(str(path), run_name="__main__")
