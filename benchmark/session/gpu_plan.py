"""Which run goes on which GPU, as `bench plan` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import isnan

from rich.console import Group
from rich.table import Table
from rich.text import Text

from benchmark.checks.foresight import Foreseen
from benchmark.checks.preflight import size
from benchmark.execute.gpus.gpu import Gpu
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.gpus.stacks import Stacking
from benchmark.runs.kinds import Run, TrainRun
from benchmark.runs.plan import Plan
from benchmark.terminal.duration import duration


def counted(gpus: Sequence[Gpu]) -> str:
    """GPUs as people say them.

    >>> counted([Gpu(0, "A100", 8e4, "0"), Gpu(2, "A100", 8e4, "2")])
    '2 GPUs'
    """
    return "1 GPU" if len(gpus) == 1 else f"{len(gpus)} GPUs"


def gpu_table(
    made: Plan,
    foreseen: Foreseen,
    packing: Packing,
    group: Callable[[Run], str],
) -> Group:
    """A row for each GPU, and what is known of memory where that decides.

    Args:
        made: the runs.
        foreseen: where they go.
        packing: how they are placed.
        group: what runs are called that are counted together.
    """
    table = Table("GPU", "kind", "free", "runs", "until", "which", box=None, header_style="bold")
    for gpu, keys in foreseen.runs.items():
        which = Counter(group(made.runs[k]) for k in keys)
        table.add_row(
            str(gpu.number),
            Text(gpu.kind),
            size(gpu.memory_mb * 1e6),
            str(len(keys)),
            "?" if isnan(foreseen.wall) else duration(foreseen.until[gpu]),
            Text(", ".join(f"{n} {name}" if n > 1 else name for name, n in which.items())),
        )
    jobs = [made.runs[k] for keys in foreseen.runs.values() for k in keys]
    told = [_side_by_side(packing, jobs, group), *_stacked(made, foreseen, group)]
    if packing.stacking:
        together = {k for keys in foreseen.stacks for k in keys}
        told += _apart([run for run in jobs if run.key not in together], packing.stacking, group)
    return Group(Text(), table, Text("\n" + "\n".join(told)))


def _stacked(made: Plan, foreseen: Foreseen, group: Callable[[Run], str]) -> Iterator[str]:
    """How many runs are trained as one model, and which."""
    keys = [k for stack in foreseen.stacks for k in stack]
    if not keys:
        return
    which = Counter(group(made.runs[k]) for k in keys)
    sizes = sorted({len(stack) for stack in foreseen.stacks})
    of = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    yield (
        f"{len(keys)} runs are trained in stacks, as one model of {of} with a GPU for itself: "
        f"{', '.join(f'{n} {name}' for name, n in which.items())}."
    )


def _apart(runs: Sequence[Run], stacking: Stacking, group: Callable[[Run], str]) -> Iterator[str]:
    """Which runs are trained apart from others, and why."""
    why: dict[str, list[str]] = {}
    for run in runs:
        reason = stacking.apart(run) if isinstance(run, TrainRun) else ""
        if reason and group(run) not in why.setdefault(reason, []):
            why[reason].append(group(run))
    for reason, names in why.items():
        yield f"Trained apart: {', '.join(names)}: {reason}."


def _side_by_side(packing: Packing, jobs: Sequence[Run], group: Callable[[Run], str]) -> str:
    gpus = packing.gpus
    if packing.memory is None:
        most = packing.slots.most
        runs = "one run" if most == 1 else f"{most} runs side by side"
        return f"{counted(gpus)}, {runs} on each: {packing.most} at a time."
    smallest = min(gpus, key=lambda gpu: gpu.memory_mb)
    known: dict[str, str] = {}
    for run in jobs:
        need = packing.memory.need(run)
        if 0 < need < float("inf"):
            at_once = packing.at_once(smallest, need)
            known[group(run)] = f"{group(run)} takes {size(need * 1e6)}, {at_once} on each GPU"
        elif need:
            known.setdefault(group(run), "")
    told = [each for each in known.values() if each]
    unknown = [name for name, each in known.items() if not each]
    if unknown:
        told.append(f"the first of {', '.join(unknown)} is measured alone, others follow it")
    limit = f"{counted(gpus)}, with cores for {packing.slots.most} at a time on each"
    return f"{limit}, as memory allows: {'; '.join(told) or 'nothing is trained'}."
