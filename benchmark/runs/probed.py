"""Which probes a study has: of every arm, seed and link, and of the anchors beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from benchmark.declare.arm import Arm
from benchmark.declare.chains import After, links_of, start_of
from benchmark.declare.study import Study
from benchmark.errors import StudyError
from benchmark.runs.chained import require_same_body
from benchmark.runs.kinds import Need, Run, TrainRun
from benchmark.runs.probing import FeaturesRun, ProbeRun, probe_of
from trainers.models import Checkpoint
from trainers.tasks import Task

#: What tables call the encoders beside which arms are seen.
UNTOUCHED, RANDOM = "untouched encoder", "random encoder"


@dataclass(frozen=True)
class ProbeCell:
    """A probe's place among the scores.

    Attributes:
        key: of its run; empty where the arm's tuning failed.
        model: what the encoder is of.
        init: what it has been through.
        method: the arm that it was trained by, or one of the two anchors.
        task: what is probed, as tables call it.
        seed: of the encoder.
        metric: what is compared.
    """

    key: str
    model: str
    init: str
    method: str
    task: str
    seed: int
    metric: str


@dataclass(frozen=True)
class _Encoder:
    """Weights that are probed: those of a run, of a checkpoint, or random ones."""

    method: str
    init: str
    link: int
    body: Need | None = None
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True)
class Probing:
    """Plans the probes of an arm on a task that it is trained on last.

    Attributes:
        study: that declares probes.
        add: keeps a run under its key.
        prepared: the preparation of a task.
    """

    study: Study
    add: Callable[[Run], Run]
    prepared: Callable[[Task], Run]

    def cells(self, arm: Arm, task: Task, runs: Sequence[TrainRun | None]) -> Iterator[ProbeCell]:
        """Probes of an arm at each seed, and of the anchors.

        Args:
            arm: whose runs are probed.
            task: what it is trained on last.
            runs: on that, by seed; None where its tuning failed.

        Raises:
            StudyError: its encoder cannot read what is probed.
        """
        assert self.study.probes
        names = _names(arm, task)
        trained = [*(link.task for link in links_of(arm.init)), task]
        asked = list(self.study.probes.after(trained))
        for _, probed in asked:
            try:
                require_same_body(arm.model, trained[0], probed)
                _require_dev(probed)
            except StudyError as error:
                raise StudyError(f'arm "{arm.label}": {error}') from error
        for seed, run in zip(self.study.seeds, runs, strict=True):
            encoders = _encoders(arm, names, run) if run else []
            for link, probed in asked:
                if link and run is None:
                    yield self._cell(arm, _Encoder(arm.name, names[link], link), probed, seed, "")
                elif link:
                    yield self._probe(arm, encoders[link], encoders[0], probed, seed)
            for probed in dict.fromkeys(each for _, each in asked) if encoders else ():
                anchors = {encoders[0].init: encoders[0]}
                anchors.setdefault("scratch", _Encoder(RANDOM, "scratch", 0))
                for anchor in anchors.values():
                    yield self._probe(arm, anchor, encoders[0], probed, seed)

    def _probe(
        self, arm: Arm, encoder: _Encoder, reference: _Encoder, task: Task, seed: int
    ) -> ProbeCell:
        found, beside = (self._features(arm, each, task, seed) for each in (encoder, reference))
        shared = _is_shared(encoder, found)
        run = ProbeRun(
            name=_called(probe_of(task), arm, encoder, None if shared else seed),
            role="probe",
            needs={"features": Need(found, "features"), "reference": Need(beside, "features")},
            task=task,
            model=arm.model,
            metric=self.study.metric_on(task),
            seed=None if shared else seed,
            method_name=encoder.method,
            init_name=encoder.init,
            body=encoder.body.key if encoder.body else "",
        )
        return self._cell(arm, encoder, task, seed, self.add(run).key)

    def _features(self, arm: Arm, encoder: _Encoder, task: Task, seed: int) -> FeaturesRun:
        needs = {"data": Need(self.prepared(task), "data")}
        if encoder.body:
            needs["body"] = encoder.body
        run = FeaturesRun(
            name=_called(f"features of {task.name}", arm, encoder, seed),
            role="features",
            needs=needs,
            task=task,
            model=arm.model,
            training=self.study.training_of(arm, task).resolved(),
            seed=seed,
            checkpoint=encoder.checkpoint,
        )
        if _is_shared(encoder, run):
            run = replace(run, name=_called(f"features of {task.name}", arm, encoder, None))
        self.add(run)
        return run

    def _cell(self, arm: Arm, encoder: _Encoder, task: Task, seed: int, key: str) -> ProbeCell:
        return ProbeCell(
            key=key,
            model=arm.model.name,
            init=encoder.init,
            method=encoder.method,
            task=probe_of(task),
            seed=seed,
            metric=self.study.metric_on(task),
        )


def _is_shared(encoder: _Encoder, features: FeaturesRun) -> bool:
    """Whether all seeds have the same features, which then are of none of them."""
    return not encoder.link and not features.by_seed


def link_inits(study: Study) -> tuple[tuple[str, ...], ...]:
    """What encoders that are probed at every link are called there, from link 0 on."""
    if study.probes is None or study.probes.at == "end":
        return ()
    found = (_names(arm, task) for task in study.tasks for arm in study.arms)
    return tuple(dict.fromkeys(map(tuple, found)))


@cache
def _require_dev(task: Task) -> None:
    if not task.requirements() and not task.sizes.get("dev"):
        raise StudyError(
            f"{task.name} has no example in dev, where the penalty of a probe is chosen."
        )


def _names(arm: Arm, task: Task) -> list[str]:
    """What an arm's encoder is called at each link, from the untouched one on."""
    start = start_of(arm.init)
    first = start if isinstance(start, str) else getattr(start, "name", "")
    return [first, *(each.name for each in After(task, init=arm.init).links)]


def _encoders(arm: Arm, names: Sequence[str], last: TrainRun) -> list[_Encoder]:
    """An arm's encoder at each link."""
    runs = [last]
    for _ in links_of(arm.init):
        before = runs[0].needs["body"].run
        assert isinstance(before, TrainRun)
        runs.insert(0, before)
    start = runs[0].needs.get("body"), runs[0].checkpoint
    method = UNTOUCHED if any(start) else RANDOM
    return [
        _Encoder(method, names[0], 0, *start),
        *(
            _Encoder(arm.name, name, link, Need(run, "weights"))
            for link, (name, run) in enumerate(zip(names[1:], runs, strict=True), 1)
        ),
    ]


def _called(what: str, arm: Arm, encoder: _Encoder, seed: int | None) -> str:
    number = "" if seed is None else f" · {seed}"
    return f"{what} · {arm.model.name} · {encoder.method} · {encoder.init}{number}"
