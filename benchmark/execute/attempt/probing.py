"""Looking at a frozen encoder: its features are left in the cache, its probe is a result."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from threadpoolctl import threadpool_limits

from benchmark.execute.attempt.conditions import make_repeatable, memory, spent
from benchmark.execute.attempt.encoding import encoded
from benchmark.execute.attempt.training import Opened
from benchmark.execute.job import Job, Progress, Report
from benchmark.runs.probing import FeaturesRun, ProbeRun
from trainers import metrics
from trainers.inputs.batches import Encoded
from trainers.machine.clock import Stopwatch
from trainers.models import Checkpoint
from trainers.probing.features import Features, save_features
from trainers.probing.linear import fit_probe
from trainers.probing.shape import effective_rank, linear_cka
from trainers.returned import check_examples, check_returned
from trainers.tasks import Split


def leave_features(
    run: FeaturesRun, job: Job, opened: Opened, report: Report
) -> Mapping[str, float]:
    """Write what an encoder says of every split of a task into the cache; returns what it took."""
    data = opened("data")
    start = Checkpoint(opened("body")) if "body" in run.needs else run.checkpoint
    make_repeatable(run.training)

    def say(notice: str) -> None:
        report(Progress(run.key, 0.0, "begins", notice=notice))

    def encode(split: Split) -> Encoded:
        return encoded(run, split, job.store.cache, partial(anew, split), say)

    def anew(split: Split) -> Encoded:
        examples = run.task.load(split, data, run.seed)
        check_examples(run.task, split, examples)
        read = run.model.encode(examples, data, run.training.max_length)
        check_returned(run.model, "encode", read, Encoded)
        return read

    def on_batch(share: float) -> None:
        report(Progress(run.key, share, "features"))

    model = run.model.build(run.task, data, run.seed, start)
    with job.store.cache.making("features", run.key) as folder:
        save_features(model, encode, run.training, folder, on_batch)
    return memory(run.training.device)


def probe(run: ProbeRun, opened: Opened) -> Mapping[str, float]:
    """Fit a probe on features, and say how these lie beside those before all training.

    The shape is that of what the encoder says of dev, for which no label is needed.

    Returns:
        All metrics on dev and test, `probe/penalty`, and as `features/…` the debiased linear CKA
        with the untouched encoder (`cka`) and the effective rank (`effective_rank`).
    """
    watch = Stopwatch(run.device)
    found, beside = Features.open(opened("features")), Features.open(opened("reference"))
    with threadpool_limits(1):  # the number of threads changes the last bits
        fitted = fit_probe(found, run.metric, len(run.task.classes))
        seen, untouched = found.values["dev"], beside.values["dev"]
        shape = {
            "features/cka": linear_cka(seen, untouched),
            "features/effective_rank": effective_rank(seen),
        }
    temperature = metrics.temperature(fitted.logits["dev"], found.labels["dev"])
    scores = {
        f"{split}/{name}": value
        for split, logits in fitted.logits.items()
        for name, value in metrics.all_scores(logits, found.labels[split], temperature).items()
    }
    measured = {**scores, **shape, "probe/penalty": fitted.penalty}
    known = {name: value for name, value in measured.items() if value == value}
    return known | memory(run.device) | spent(watch.stop())
