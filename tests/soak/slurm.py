"""Jobs of a real cluster on this machine, and what may end them there."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from signal import Signals

from tests.benchmark.conftest import command
from tests.slurm import cluster
from tests.slurm.studies import jobs
from tests.soak.striking import Engine, Target, Way, ancestors, end, of_command
from tests.soak.study import executing

#: Seconds, at most, for which a node is lost; Slurm notices after ten, or takes half a minute.
_AWAY = 40.0
#: Within which jobs have left: what is lost with a node Slurm begins again two minutes later.
_PATIENCE = 300.0


def _of_a_worker(generation: int, signum: Signals) -> Callable[[Target], int | None]:
    """Signal a process that executes a run, what forked that (1), or its job (2)."""

    def strike(target: Target) -> int | None:
        lines = [ancestors(pid) for pid in executing(target.folder).values()]
        there = sorted(line[generation] for line in lines if len(line) > generation + 1)
        return end(target, [target.rng.choice(there)], signum) if there else None

    return strike


def _asked(*command: str) -> Callable[[Target], int | None]:
    """Have Slurm do something to a job that is on a node."""

    def strike(target: Target) -> int | None:
        there = sorted(job for job, node in jobs().items() if node)
        if not there:
            return None
        job = target.rng.choice(there)
        array, _, task = job.partition("_")
        within = _at_work(target, f"SLURM_ARRAY_JOB_ID={array}", f"SLURM_ARRAY_TASK_ID={task}")
        subprocess.run([*command, job], capture_output=True)
        return within

    return strike


def _lose_a_node(target: Target) -> int | None:
    """A node with a job is gone for a while, in which Slurm may notice or not."""
    there = sorted({node for node in jobs().values() if node})
    if not there:
        return None
    node = target.rng.choice(there)
    within = _at_work(target, f"SLURMD_NODENAME={node}")
    cluster.kill(node)
    time.sleep(target.rng.uniform(0, _AWAY))
    cluster.back(node)
    return within


def _at_work(target: Target, *variables: str) -> int:
    """How many runs are executed by processes that have these variables."""
    found = 0
    for pid in executing(target.folder).values():
        with suppress(OSError):
            there = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            found += all(variable.encode() in there for variable in variables)
    return found


def _left(folder: Path) -> list[str]:
    """Jobs, and what of a pool says that a job, or a run, is under way.

    What a job had in its node's folder for such things goes with the next command there.
    """
    until = time.monotonic() + _PATIENCE
    while (there := jobs()) and time.monotonic() < until:
        time.sleep(0.5)
    left = [f"job {job} is left" for job in there]
    told = {**os.environ, "TMPDIR": str(folder / "tmp")}
    subprocess.run(command("status", "study.py"), cwd=folder, env=told, capture_output=True)
    pools = folder / "mlruns" / "jobs"
    paths = [path for kind in ("waiting", "taken", "jobs") for path in pools.glob(f"*/{kind}/*")]
    names = [path.relative_to(folder) for path in paths]
    return [*left, *(f"{name} is left behind" for name in names)]


ENGINE = Engine(
    arguments=("--engine", "slurm", "--workers", "3"),
    ways=(
        Way("worker", "SIGKILL", _of_a_worker(0, signal.SIGKILL), 3),
        Way("worker", "SIGTERM", _of_a_worker(0, signal.SIGTERM), 2),
        Way("fork server", "SIGKILL", _of_a_worker(1, signal.SIGKILL), 2),
        Way("job's process", "SIGKILL", _of_a_worker(2, signal.SIGKILL), 2),
        of_command(signal.SIGKILL),
        of_command(signal.SIGTERM),
        of_command(signal.SIGINT),
        Way("job", "scancel", _asked("scancel"), 3),
        Way("job", "requeue", _asked("scontrol", "requeue"), 2),
        Way("node", "lost", _lose_a_node, 2),
    ),
    pause=5.0,
    running=cluster.alone,
    left=_left,
)
