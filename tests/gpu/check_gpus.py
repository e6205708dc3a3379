"""Whether what is claimed of several GPUs holds on real ones; prints a line for each claim.

`python tests/gpu/check_gpus.py` needs a GPU, and the torch for it. Not measured yet.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from benchmark.execute.gpus.gpu import GpuBox, look
from benchmark.execute.gpus.memory import CONTEXT, KnownMemory
from benchmark.execute.gpus.packing import Packing
from tests.benchmark.execute.gpu_boxes import Bench, write_study

#: Whether a claim holds, and what was seen.
Seen = tuple[bool, str]

SEES = """raise ValueError(
            torch.cuda.device_count(), str(torch.cuda.get_device_properties(0).uuid)
        )"""
#: Holds 60 % of the GPU until the run ends, so that two do not fit.
HOLDS = """if step.labels.is_cuda and not hasattr(step.state, "held"):
            total = torch.cuda.get_device_properties(0).total_memory
            step.state.held = torch.empty(int(0.6 * total), dtype=torch.uint8, device="cuda")
            import time
            time.sleep(5)"""
#: Says how much of the GPU the process takes beside what torch reserved for tensors.
BESIDE = """if step.labels.is_cuda and step.number == 1:
            free, total = torch.cuda.mem_get_info()
            raise ValueError((total - free - torch.cuda.memory_reserved()) / 1e6)"""


def looked_at(box: GpuBox, folder: Path) -> Iterator[Seen]:
    """The command's own process opens no driver while it looks."""
    yield not torch.cuda.is_initialized(), f"{len(box.gpus)} × {box.gpus[0].kind}, driver not open"


def seen_by_workers(box: GpuBox, folder: Path) -> Iterator[Seen]:
    """Each worker sees one GPU, and workers of different GPUs see different ones."""
    bench = Bench(write_study(folder, SEES, seeds=range(1, 9)), Packing(box.gpus, 1))
    failed = {ended.key: ended.message for ended in bench.run().failed}
    yield all("(1, '" in message for message in failed.values()), "one GPU in each worker"
    pairs = {(bench.on[key].visible, said.split("'")[1]) for key, said in failed.items()}
    yield len(pairs) == len(dict(pairs)) == len({uuid for _, uuid in pairs}), f"{sorted(pairs)}"


def same_bits(box: GpuBox, folder: Path) -> Iterator[Seen]:
    """Runs that share a GPU end with the scores of those that do not, and sooner."""
    scores, study = [], write_study(folder, epochs=30, seeds=range(1, 9))
    for most in (1, 2, 4):
        bench = Bench(study, Packing(box.gpus[:1], most), f"of-{most}")
        began = time.monotonic()
        assert not bench.run().failed
        took = time.monotonic() - began
        finished = bench.query.finished()
        scores.append({(key, n): v for key, run in finished.items() for n, v in run.scores.items()
                       if n.startswith(("dev/", "test/"))})  # fmt: skip
        yield scores[-1] == scores[0], f"16 runs, {most} at a time: {took:.1f} s"


def crowded_out(box: GpuBox, folder: Path) -> Iterator[Seen]:
    """A run that really goes out of memory beside another is finished alone."""
    bench = Bench(write_study(folder, HOLDS), Packing(box.gpus[:1], 4))
    outcome = bench.run()
    yield bool(outcome.crowded_out), f"{len(outcome.crowded_out)} went out of memory"
    yield not outcome.failed, "all were finished in the end"


def context(box: GpuBox, folder: Path) -> Iterator[Seen]:
    """What a process takes beside its tensors is no more than is kept for it."""
    bench = Bench(write_study(folder, BESIDE, seeds=(1,)), Packing(box.gpus[:1], 1))
    for ended in bench.run().failed:
        took = float(ended.message.split("ValueError: ")[1].split()[0])
        yield took <= CONTEXT, f"{took:.0f} MB beside tensors, {CONTEXT:.0f} are kept"


def packed(box: GpuBox, folder: Path) -> Iterator[Seen]:
    """Under auto, runs are packed once the first of their shape is measured."""
    study = write_study(folder, epochs=10, seeds=range(1, 9))
    bench = Bench(study, Packing(box.gpus[:1], 4, KnownMemory()))
    outcome = bench.run()
    most = max(beside for _, beside in bench.began)
    yield not outcome.failed and not outcome.crowded_out, "none went out of memory"
    yield most > 1, f"{most} side by side"


def metered(box: GpuBox, folder: Path) -> Iterator[Seen]:
    """The driver says what a GPU may draw, and a run takes no more than that."""
    limits = [gpu.watts for gpu in box.gpus]
    yield all(limits), f"{limits} W"
    bench = Bench(write_study(folder, epochs=30), Packing(box.gpus[:1], 1))
    bench.run()
    for run in bench.query.finished().values():
        joules, seconds = run.scores["gpu_joules"], run.scores["seconds"]
        within = 0 < joules <= 1.1 * (limits[0] or 0) * seconds
        yield within, f"{joules:.0f} J in {seconds:.1f} s, {joules / seconds:.0f} W"


CLAIMS: tuple[Callable[[GpuBox, Path], Iterator[Seen]], ...] = (
    looked_at,
    seen_by_workers,
    same_bits,
    crowded_out,
    context,
    packed,
    metered,
)


def main() -> int:
    """Look at each claim; the exit code is 1 if one does not hold."""
    box = look()
    if not box.gpus:
        print(f"torch {box.torch} sees no GPU here.")
        return 2
    failed = 0
    for claim in CLAIMS:
        print(claim.__doc__)
        with tempfile.TemporaryDirectory(prefix="bench-gpus-") as folder:
            for holds, said in claim(box, Path(folder)):
                failed += not holds
                print(f"  {'holds' if holds else 'DOES NOT HOLD'}: {said}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
