"""The GPUs of this machine, looked at from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.execute.gpus import looking
from trainers.machine.nvml import PowerMeter

#: Which GPUs a process sees: NVIDIA's name, and AMD's. `ROCR_VISIBLE_DEVICES` stays as it is, for
#: AMD counts the others within it.
VISIBLE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
#: Has CUDA count GPUs as nvidia-smi does.
_ORDER = "CUDA_DEVICE_ORDER"
#: Seconds that a driver has to say what there is.
_PATIENCE = 120.0


@dataclass(frozen=True)
class Gpu:
    """A GPU.

    Attributes:
        number: its place among those that this process may see.
        kind: its model.
        memory_mb: that were free when it was looked at, in megabytes.
        visible: what a process's environment says for it to see this one alone.
        watts: that it may draw; None where its driver does not say.
    """

    number: int
    kind: str
    memory_mb: float
    visible: str
    watts: float | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """Of a process that sees this one alone."""
        return environment_of([self])


@dataclass(frozen=True)
class GpuBox:
    """What there is on a machine.

    Attributes:
        gpus: its GPUs, by number.
        torch: the version that sees them.
    """

    gpus: tuple[Gpu, ...]
    torch: str


FindGpus = Callable[[], GpuBox]


@cache
def look() -> GpuBox:
    """The GPUs that torch sees here, found out by another process; asked once, for a command then
    sees only those that it takes.

    Raises:
        BenchmarkError: it comes to no end, or to a bad one.
    """
    if not any(name in os.environ for name in (_ORDER, *VISIBLE)):
        os.environ[_ORDER] = "PCI_BUS_ID"  # here and in every worker
    command = [sys.executable, "-P", looking.__file__]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(
            f"--gpus: torch did not say within {_PATIENCE:.0f} s which GPUs there are; look "
            "whether nvidia-smi does, or leave out --gpus."
        ) from error
    if said.returncode:
        last = (said.stderr.strip().splitlines() or [f"exit code {said.returncode}"])[-1]
        raise BenchmarkError(
            f"--gpus: torch cannot look at the GPUs ({last}); look whether nvidia-smi can, or "
            "leave out --gpus."
        )
    found = json.loads(said.stdout.splitlines()[-1])
    return GpuBox(tuple(_gpu(**each) for each in found["gpus"]), found["torch"])


def _gpu(uuid: str, **told: Any) -> Gpu:
    meter = PowerMeter.of(uuid)
    return Gpu(**told, watts=meter.limit if meter else None)


def environment_of(gpus: Sequence[Gpu]) -> Mapping[str, str]:
    """Of a process that sees these GPUs and no others."""
    return dict.fromkeys(VISIBLE, ",".join(device.visible for device in gpus))
