"""What is asked of Slurm: jobs are submitted through submitit, and looked after by its commands."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Any

from benchmark.errors import BenchmarkError

#: Of a job, where nothing is asked: submitit's own default is five minutes.
_TIME = "1:00:00"
#: Options of sbatch that the engine sets itself: a job is one process on one node.
OURS = (
    *("array", "chdir", "error", "job_name", "nodes", "ntasks", "ntasks_per_node", "open_mode"),
    *("output", "requeue", "wrap"),
)
#: What sbatch says where there is nobody to ask, or who there is does not answer.
_UNREACHABLE = ("Unable to contact", "configuration source", "timed out")
#: Seconds that a command of Slurm may take.
_PATIENCE = 60


class SubmissionFailed(Exception):  # noqa: N818 - reads as what became of a submission
    """Slurm took no job; with what it says."""


@dataclass(frozen=True)
class Cluster:
    """Slurm as a study uses it.

    Attributes:
        asked: options of sbatch by name, with underscores; True for one without a value.
        processors: of each job, where nothing else is asked.
    """

    asked: Mapping[str, str | bool]
    processors: int = 1

    def check(self) -> None:
        """Have Slurm look at the options, before anything is trained.

        Raises:
            BenchmarkError: no job could be submitted.
        """
        if find_spec("submitit") is None:
            raise BenchmarkError(
                "--engine slurm submits its jobs through submitit, which is not installed: "
                "pip install 'armbench[slurm]'."
            )
        if lacking := [name for name in ("sbatch", "srun", "squeue") if not shutil.which(name)]:
            raise BenchmarkError(
                f"--engine slurm needs Slurm's {lacking[0]}, which is not on the PATH: run this "
                "command on a machine from which jobs are submitted, or leave out --engine slurm."
            )
        flags = [_flag(name, value) for name, value in self.options.items()]
        tried = _ask("sbatch", "--test-only", *flags, "--wrap", "true")
        if tried.returncode and any(said in tried.stderr for said in _UNREACHABLE):
            raise BenchmarkError(
                f"Slurm's controller does not answer ({_said(tried)}): look with sinfo whether "
                "it is up, run this on a machine of the cluster, or leave out --engine slurm."
            )
        if tried.returncode:
            given = ",".join(f"{name}={value}" for name, value in self.asked.items())
            way_out = f"Correct --slurm {given}," if given else "Say what it takes by --slurm,"
            raise BenchmarkError(
                f"Slurm takes no such job: {_said(tried)}. {way_out} or in "
                "[tool.armbench.slurm] of pyproject.toml."
            )

    @property
    def options(self) -> Mapping[str, str | bool]:
        """All that sbatch is told."""
        return {"time": _TIME, "cpus_per_task": str(self.processors), **self.asked}

    def with_processors(self, count: int) -> Cluster:
        """The same, with so many processors for each job where nothing else is asked."""
        return replace(self, processors=count)

    def submit(
        self, name: str, work: Callable[[str], None], pool: Path, logs: Path, count: int
    ) -> list[str]:
        """Submit jobs that take runs from a pool; returns their ids.

        Args:
            name: of the jobs.
            work: what a job does, given the folder of the pool.
            pool: that folder.
            logs: folder of what they print.
            count: how many, as one array.

        Raises:
            SubmissionFailed: Slurm takes none now.
        """
        import submitit

        executor = submitit.SlurmExecutor(logs)
        executor.update_parameters(
            job_name=name,
            stderr_to_stdout=True,
            # A job looks at the clock itself: Slurm's signal reaches every process of a run.
            signal_delay_s=0,
            array_parallelism=count,
            additional_parameters={"chdir": str(logs), "requeue": True, **self.options},
        )
        try:
            jobs: list[Any] = executor.map_array(work, [str(pool)] * count)
        except (subprocess.CalledProcessError, submitit.core.utils.FailedJobError, OSError) as e:
            raise SubmissionFailed(str(e).strip().splitlines()[-1]) from e
        return [str(job.job_id) for job in jobs]


def states(name: str) -> dict[str, str] | None:
    """The states of all jobs of a name that Slurm still knows of, by id; None if it is silent."""
    found = _ask("squeue", "--noheader", "--array", f"--name={name}", "--format=%i %T")
    if found.returncode:
        return None
    lines = [line.split() for line in found.stdout.splitlines() if line.strip()]
    return {line[0]: line[1] for line in lines}


def cancel(name: str, begun: bool = True) -> None:
    """End the jobs of a name; those that run get SIGTERM.

    Args:
        name: of the jobs.
        begun: whether those that run are ended, too.
    """
    _ask("scancel", "--quiet", f"--name={name}", *([] if begun else ["--state=PENDING"]))


def requeue(job: str) -> None:
    """Have Slurm end a job and start it again when there is room."""
    _ask("scontrol", "requeue", job)


def seconds_left(job: str) -> float:
    """Until Slurm ends a job; infinite where it has no limit."""
    return _seconds(_ask("squeue", "--noheader", f"--jobs={job}", "--format=%L").stdout.strip())


def _seconds(told: str) -> float:
    """From Slurm's days-hours:minutes:seconds.

    >>> _seconds("1-02:00:01"), _seconds("2:05"), _seconds("UNLIMITED")
    (93601.0, 125.0, inf)
    """
    days, _, rest = told.rpartition("-")
    if not all(part.isdigit() for part in rest.split(":")):
        return inf
    seconds = 0
    for part in rest.split(":"):
        seconds = 60 * seconds + int(part)
    return float(86400 * int(days or 0) + seconds)


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    """Call a command of Slurm; one that does not answer has failed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE)
    except (subprocess.TimeoutExpired, OSError) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _flag(name: str, value: str | bool) -> str:
    option = f"--{name.replace('_', '-')}"
    return option if value is True else f"{option}={value}"


def _said(failed: subprocess.CompletedProcess[str]) -> str:
    """What sbatch objects to, in a line."""
    lines = [line for line in failed.stderr.splitlines() if line.strip() and "Try " not in line]
    said = [line.partition("error: ")[2] or line.removeprefix("sbatch: ") for line in lines]
    return (said[0] if said else "it does not say why").rstrip(".")
