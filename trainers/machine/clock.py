"""What a piece of work takes: on the wall, of the processors, and of an accelerator."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass, replace

import torch

from trainers.machine.nvml import PowerMeter


@dataclass(frozen=True)
class Spent:
    """What a piece of work took.

    Attributes:
        seconds: on the wall, in which other work on the machine counts too.
        cpu_seconds: of the processors, by all threads of this process and by the children that it
            has waited for. Two busy threads spend two of them in a second of the wall.
        gpu_seconds: from first to last kernel on the accelerator's own clock; None where there is
            none. Pauses between kernels are in it, and so is what another process runs there.
        gpu_joules: that the whole accelerator took meanwhile, for what others run there too; None
            where its driver does not count them.
        load_start: processes that ran or waited for a processor of the machine in the minute
            before, these and others' together.
        load_end: the same at the end.
    """

    seconds: float
    cpu_seconds: float
    gpu_seconds: float | None
    gpu_joules: float | None
    load_start: float
    load_end: float

    def after(self, earlier: Spent) -> Spent:
        """This and what was spent before it, as one."""
        return Spent(
            earlier.seconds + self.seconds,
            earlier.cpu_seconds + self.cpu_seconds,
            _sum(earlier.gpu_seconds, self.gpu_seconds),
            _sum(earlier.gpu_joules, self.gpu_joules),
            earlier.load_start,
            self.load_end,
        )

    def shared(self, number: int) -> Spent:
        """The part of each of so many pieces of work that were done at once."""
        on_gpu = self.gpu_seconds, self.gpu_joules
        gpu_seconds, gpu_joules = (None if x is None else x / number for x in on_gpu)
        return replace(
            self,
            seconds=self.seconds / number,
            cpu_seconds=self.cpu_seconds / number,
            gpu_seconds=gpu_seconds,
            gpu_joules=gpu_joules,
        )


class Stopwatch:
    """Runs from when it is made.

    Attributes:
        earlier: what earlier attempts at the same work took, which counts too.

    Args:
        device: where the work is done; "cuda" is timed by events.
        meter: of the accelerator's energy; by default that of the device, if it has one.
    """

    def __init__(self, device: str = "cpu", meter: PowerMeter | None = None) -> None:
        self.earlier: Spent | None = None
        self._on_device = device == "cuda"
        self._load = os.getloadavg()[0]
        self._event = _mark() if self._on_device else None
        self._meter = meter or (_meter_here() if self._on_device else None)
        self._joules = self._meter.joules if self._meter else None
        self._cpu, self._wall = cpu_seconds(), time.perf_counter()

    def stop(self) -> Spent:
        """What was spent so far; waits for the accelerator to finish what it was given."""
        on_device = None
        if self._event is not None:
            last = _mark()
            last.synchronize()
            on_device = self._event.elapsed_time(last) / 1000
        joules = self._meter.joules if self._meter else None
        took = Spent(
            seconds=time.perf_counter() - self._wall,
            cpu_seconds=cpu_seconds() - self._cpu,
            gpu_seconds=on_device,
            gpu_joules=None if joules is None or self._joules is None else joules - self._joules,
            load_start=self._load,
            load_end=os.getloadavg()[0],
        )
        return took.after(self.earlier) if self.earlier else took


def cpu_seconds() -> float:
    """Processor time so far of this process, its threads, and the children it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _sum(*amounts: float | None) -> float | None:
    """Of those that are known; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _meter_here() -> PowerMeter | None:
    return PowerMeter.of(str(torch.cuda.get_device_properties().uuid))


def _mark() -> torch.cuda.Event:
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event
