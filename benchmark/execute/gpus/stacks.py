"""Which runs are trained as one model on a GPU, and why others are not."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.execute.gpus.gpu import Gpu
from benchmark.execute.job import Job, as_one
from benchmark.runs.kinds import Run, TrainRun
from benchmark.user_code.foreign import is_foreign
from trainers.models.anatomy import skeleton
from trainers.stacked import fitting, model
from trainers.stacked.load import StepLoad

#: Share of a GPU's free memory that a stack may take.
_SHARE = 0.5


@dataclass(frozen=True)
class _Architecture:
    """What a model and a task make.

    Attributes:
        apart: why its models are trained apart; empty where they need not be.
        load: of one.
    """

    apart: str
    load: StepLoad | None = None


class Stacking:
    """Decides which runs are trained as one.

    Args:
        device: on which; another one than CUDA is for tests.
    """

    def __init__(self, device: str = "cuda") -> None:
        self._device = device
        self._architectures: dict[Any, _Architecture] = {}
        self._shapes: dict[str, Hashable | None] = {}

    def apart(self, run: TrainRun) -> str:
        """Why a run is trained apart from others, in words; empty where it need not be."""
        if run.device != self._device:
            return f"it is trained on {run.device}"
        if is_foreign(run.method, run.model, run.task):
            return "code of the study leaves its process changed, so that it has one of its own"
        if reason := fitting.apart(run.method, run.training):
            return reason
        architecture = self._architecture(run)
        if architecture.apart or architecture.load is None:
            return architecture.apart
        if architecture.load.most(float("inf")) == 1:
            return "a step of its model keeps a GPU busy"
        return ""

    def joined(self, job: Job, ready: Iterable[Job], gpus: Sequence[Gpu]) -> Job:
        """A job with those that are trained as one with it, if there are such.

        Args:
            job: one that is ready.
            ready: all that are, the most urgent first.
            gpus: that are free, of which each gets its share.
        """
        shape = self._shape(job)
        if shape is None:
            return job
        alike = [other for other in ready if self._shape(other) == shape]
        share = -(-len(alike) // len(gpus))
        others = [other for other in alike if other is not job]
        return as_one([job, *others][: min(share, self._most(job.run, gpus))])

    def _most(self, run: Run, gpus: Sequence[Gpu]) -> int:
        assert isinstance(run, TrainRun)
        load = self._architecture(run).load
        assert load
        return load.most(_SHARE * min(gpu.memory_mb for gpu in gpus))

    def _shape(self, job: Job) -> Hashable | None:
        """What runs have in common that may be one; None of one that is trained apart."""
        if job.apart or job.alone or job.splits > 1:
            return None
        key = job.run.key
        if key not in self._shapes:
            self._shapes[key] = self._shape_of(job.run)
        return self._shapes[key]

    def _shape_of(self, run: Run) -> Hashable | None:
        if not isinstance(run, TrainRun) or self.apart(run):
            return None
        return run.model, run.task.name, fitting.in_common(run.training)

    def _architecture(self, run: TrainRun) -> _Architecture:
        place = run.model, run.task.name, fitting.in_common(run.training)
        if place not in self._architectures:
            self._architectures[place] = _architecture(run)
        return self._architectures[place]


def _architecture(run: TrainRun) -> _Architecture:
    module = skeleton(run.model, run.task)
    if module is None:
        return _Architecture("its model or its data are not here yet")
    if reason := model.apart([module]):
        return _Architecture(reason)
    return _Architecture("", StepLoad.of(module, run.training))
