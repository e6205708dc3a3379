"""Whether a run on a GPU that is killed and goes on ends with the bits of an undisturbed one.

`python tests/gpu/check_resuming.py` needs a GPU, and the torch for it; it prints a line for each
method. Not measured yet. Where an undisturbed run does not repeat itself, it says so.
"""

import os
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import torch

from tests.trainers.conftest import Words
from tests.trainers.methods.test_every_method import METHODS
from tests.trainers.resume.killed import counting, killed_at, outcome
from trainers.loop import Fit
from trainers.methods import Base
from trainers.models import Bert
from trainers.settings import Training
from trainers.teacher import TeacherLogits


def main() -> int:
    """How many methods did not end with the same bits."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    task, model = Words(), Bert(layers=2, width=64, heads=2)
    training = Training(epochs=2, batch_size=8, lr=1e-3, max_length=32, device="cuda").resolved()
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        task.prepare(folder)
        sets = [model.encode(task.load(split, folder, 0), folder, 32) for split in ("train", "dev")]
        teacher = TeacherLogits(sets[0].ids, 2 * np.eye(3, dtype=np.float32)[sets[0].labels])
        for method in (Base(), *(method for method, _ in METHODS)):
            for way in (training, replace(training, precision="float32")):

                def run(checkpoints, method=method, way=way):
                    module = model.build(task, folder, 1)
                    return outcome(Fit(module, method, *sets, way, 1, teacher=teacher), checkpoints)

                chances, undisturbed = counting(run)
                chosen = random.Random(method.name).sample(range(1, chances + 1), 10)
                same = killed_at(chosen, folder / f"{method.name} {way.precision}", run)
                repeats = run(None) == undisturbed
                wrong += same != undisturbed
                told = "same bits" if same == undisturbed else "OTHER BITS"
                told += "" if repeats else ", as undisturbed runs have among each other"
                print(f"{method.name:24} {way.precision:8} {told}", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
