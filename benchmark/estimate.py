"""How long runs will take: from recorded durations, else from a short calibration."""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmark.plan import Plan
from benchmark.runs import DataRun, PretrainRun, Run, TrainRun
from benchmark.tracking import Recorded
from trainers.batches import Encoded
from trainers.cost import relative_flops
from trainers.loop import Fit
from trainers.methods import Base
from trainers.models import HubModel, Model
from trainers.optimiser import make_optimiser
from trainers.settings import Training
from trainers.tasks import Task
from trainers.teacher import TeacherLogits

#: Seconds for the preparation of data whose size nobody knows, and of which nothing is recorded.
_PREPARATION = 40.0
#: Bytes of texts or pixels that are prepared in a second, nearly.
_PREPARED_A_SECOND = 5e6
#: Seconds a run spends outside its steps: set-up, evaluation, recording.
_OVERHEAD = 1.0
#: Tokens of a text as long as nobody has looked at the data.
_TOKENS = 24
#: Steps that are timed, after two on few examples to warm up.
_STEPS = 6
#: Examples that a large model is timed on, and the seconds from which on it is one.
_FEW, _SLOW = 2, 0.5
#: Seconds a step, by what decides on them.
_timed: dict[Any, float] = {}
#: FLOPs a step relative to base, by what decides on them, and the model last counted on.
_counted: dict[Any, float] = {}
_rehearsed: dict[Any, tuple[nn.Module, Encoded]] = {}


@dataclass(frozen=True)
class Estimate:
    """Expected durations.

    Attributes:
        seconds: by key.
        relative_flops: of a step, by key, for the training runs that are to do.
        source: where the seconds come from, for the user.
    """

    seconds: Mapping[str, float]
    relative_flops: Mapping[str, float]
    source: str

    def wall(self, plan: Plan, jobs: Mapping[str, object], workers: int) -> float:
        """Seconds until all jobs are done: the longest chain or the fullest worker."""
        total = sum(self.seconds[k] for k in jobs) / workers
        chain: dict[str, float] = {}
        for k in plan.runs:
            before = max((chain[n.key] for n in plan.runs[k].needs.values()), default=0.0)
            chain[k] = before + (self.seconds[k] if k in jobs else 0.0)
        return max(total, *chain.values())


@dataclass(frozen=True)
class Sketch:
    """What is known of models and data that are not here, and stand-ins are planned with.

    Attributes:
        models: for each stand-in a model of the right shape, or None.
        examples: for each task how many examples it trains on, or None.
    """

    models: Mapping[Model, Model | None]
    examples: Mapping[str, int | None]


def estimate(
    plan: Plan,
    jobs: Mapping[str, object],
    finished: Mapping[str, Recorded],
    each: float | None = None,
    sketch: Sketch | None = None,
) -> Estimate:
    """Expected seconds of each run of a plan.

    Runs of the same kind (all but seed and teacher) that are recorded give their median; others
    are calibrated by timing a few steps of base with their model on made-up input, times the FLOPs
    of a step of their method relative to base.

    Args:
        plan: the graph.
        jobs: keys of the runs to execute.
        finished: the record.
        each: seconds of a run, where they need not be found out.
        sketch: where the plan is one on stand-ins; what it does not know takes NaN seconds.
    """
    if each is not None:
        return Estimate(dict.fromkeys(plan.runs, each), {}, "experience")
    recorded: dict[str, list[float]] = defaultdict(list)
    for done in finished.values():
        recorded[done.kind].append(done.seconds)
    flops = {
        k: _relative_flops(run)
        for k, run in plan.runs.items()
        if k in jobs and isinstance(run, TrainRun)
    }
    seconds, sources = {}, set()
    for k, run in plan.runs.items():
        if run.kind in recorded:
            seconds[k] = median(recorded[run.kind])
            source = "recorded durations"
        elif k in jobs:
            seconds[k] = _calibrated(run, flops.get(k, 1.0), sketch)
            source = f"{'published sizes and ' if sketch else ''}a calibration of a few steps"
        else:
            seconds[k], source = 0.0, ""
        if k in jobs and source:
            sources.add(source)
    return Estimate(seconds, flops, " and ".join(sorted(sources)) or "nothing to do")


def _calibrated(run: Run, flops: float, sketch: Sketch | None) -> float:
    if isinstance(run, DataRun):
        size = 0 if sketch else run.task.disk_need()
        return _OVERHEAD + size / _PREPARED_A_SECOND if size else _PREPARATION
    if isinstance(run, PretrainRun):
        p = run.pretraining
        step = seconds_a_step(run.model, run.task, run.training, p.batch_size, p.length)
        return _OVERHEAD + step * p.steps
    if isinstance(run, TrainRun):
        t, model, examples = run.training, run.model, run.task.sizes["train"]
        if sketch:
            shaped, known = sketch.models.get(model, model), sketch.examples[run.task.name]
            if shaped is None or known is None:
                return nan
            model, examples = shaped, known
        steps = -(-examples // t.batch_size)
        epochs = sum(phase.epochs for phase in run.method.phases(t))
        step = seconds_a_step(model, run.task, t, t.batch_size, min(t.max_length, _TOKENS))
        return _OVERHEAD + 1.15 * step * flops * steps * epochs
    raise TypeError(f"no way to estimate a {type(run).__name__}")


def _relative_flops(run: TrainRun) -> float:
    """Counted on made-up examples, once for every method, model and number of epochs."""
    if type(run.method) is Base:
        return 1.0
    kind = _kind(run.model, run.task)
    place = (run.method, run.model, kind, run.training.epochs)
    if place not in _counted:
        if (run.model, kind) not in _rehearsed:  # models may be large: one is kept
            _rehearsed.clear()
            _rehearsed[run.model, kind] = run.model.rehearsal(run.task, 2, 8)
        module, examples = _rehearsed[run.model, kind]
        logits = np.zeros((len(examples), len(run.task.classes)), np.float32)
        teacher = TeacherLogits(examples.ids, logits)
        fit = Fit(module, run.method, examples, examples, run.training, seed=0, teacher=teacher)
        _counted[place] = relative_flops(fit)
    return _counted[place]


def _kind(model: Model, task: Task) -> Any:
    """What of a task decides on the size of a model."""
    return (len(task.classes), task.reads) if isinstance(model, HubModel) else task


def seconds_a_step(
    model: Model, task: Task, training: Training, batch_size: int, tokens: int
) -> float:
    """Median seconds of a step of base, timed on made-up examples.

    Args:
        model: what is trained.
        task: gives classes and vocabulary, or the shape of an image.
        training: gives optimiser, device, precision and threads.
        batch_size: rows a step.
        tokens: length of each text.
    """
    # A large model is timed once for all tasks of one number of classes, whatever its rate.
    place = (model, _kind(model, task), replace(training, lr=1e-5, epochs=1), batch_size, tokens)
    if place not in _timed:
        _timed[place] = _time_steps(model, task, place[2], batch_size, tokens)
    return _timed[place]


def _time_steps(
    model: Model, task: Task, training: Training, batch_size: int, tokens: int
) -> float:
    torch.set_num_threads(training.threads)
    module, examples = model.rehearsal(task, batch_size, tokens)
    fit = Fit(module, Base(), examples, examples, training, seed=0)
    fit.model.to(fit.device).train()
    optimiser = make_optimiser([{"params": list(module.parameters())}], training)

    def step(rows: int) -> tuple[float, float]:
        """Seconds of the passes on so many examples, and of the update after them."""
        began = time.perf_counter()
        fit.method.backward(fit.step(np.arange(rows), phase=0, epoch=0, progress=0.0))
        _wait_for(training.device)
        passed = time.perf_counter()
        optimiser.step()
        optimiser.zero_grad()
        _wait_for(training.device)
        return passed - began, time.perf_counter() - passed

    few = min(_FEW, batch_size)
    step(few)
    passes, update = step(few)
    if passes > _SLOW:  # whole batches of a large model would take minutes
        return passes * batch_size / few + update
    return median(sum(step(batch_size)) for _ in range(_STEPS))


def _wait_for(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
