"""Memory and time of a step that is split into micro-batches, or whose layers are computed again.

Run it with `python tests/speed/memory.py`; each line is a process of its own on one thread of the
CPU, with a BERT of 8 layers × 256 and 32 texts of 128 tokens in float32: the peak of the process
beyond what it has with one text a step, and processor seconds of a step.
"""

import resource
import subprocess
import sys
import time
from statistics import median

STEPS = 3


def measure(rows: int, accumulate: int, again: bool) -> tuple[float, float]:
    """Megabytes at the peak of this process, and seconds of a step."""
    import numpy as np
    import torch

    from trainers.loop import Fit
    from trainers.methods import Base
    from trainers.models import Bert
    from trainers.settings import Training
    from trainers.steps.optimiser import decay_groups, make_optimiser
    from trainers.tasks import Docstrings

    torch.set_num_threads(1)
    training = Training(
        device="cpu", precision="float32", accumulate=accumulate, gradient_checkpointing=again
    )
    module, examples = Bert(layers=8, width=256).rehearsal(Docstrings(), 32, 128)
    fit = Fit(module.train(), Base(), examples, examples, training, seed=0)
    fit.prepare()
    optimiser = make_optimiser(decay_groups(module, 0.01), training)
    times = []
    for _ in range(STEPS):
        started = time.process_time()
        fit.gradient(fit.step(np.arange(rows), 0, 0, 0.0))
        optimiser.step()
        optimiser.zero_grad()
        times.append(time.process_time() - started)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, median(times)


def main() -> None:
    """One line for each setting."""

    def told(*arguments: int) -> list[float]:
        command = [sys.executable, __file__, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return list(map(float, done.stdout.split()))

    least, _ = told(1, 1, 0)
    for again in (0, 1):
        for accumulate in (1, 4, 32):
            peak, seconds = told(32, accumulate, again)
            said = f"accumulate={accumulate}, gradient_checkpointing={bool(again)}"
            print(f"{said:45} {peak - least:6.0f} MB {seconds:6.2f} s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        rows, accumulate, again = map(int, sys.argv[1:])
        print(*measure(rows, accumulate, bool(again)))
    else:
        main()
