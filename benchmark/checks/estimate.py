"""How long runs will take: from recorded durations, else from a short calibration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isnan, nan
from pathlib import Path
from statistics import median

from benchmark.checks.space import features_in
from benchmark.execute.calibration import Flops, Question, StepTime
from benchmark.execute.engines.asking import Answer, Trouble, ask
from benchmark.record.recorded import STACKED, Recorded
from benchmark.runs.kinds import DataRun, PretrainRun, Run, TrainRun
from benchmark.runs.plan import Plan
from benchmark.runs.probing import FeaturesRun, ProbeRun
from benchmark.user_code.foreign import is_foreign
from trainers.methods import Base
from trainers.methods.method import Unsound
from trainers.models import Model
from trainers.pretraining import MaskedLanguageModelling

#: Seconds for the preparation of data whose size nobody knows, and of which nothing is recorded.
_PREPARATION = 40.0
#: Bytes of texts or pixels that are prepared in a second, nearly.
_PREPARED_A_SECOND = 5e6
#: Seconds a run spends outside its steps: set-up, evaluation, recording.
_OVERHEAD = 1.0
#: Seconds of a probe for each example, feature and class of its training set, nearly.
_PROBED = 1e-6
#: Share of a step that its forward pass takes, which features are computed by.
_FORWARD = 1 / 3
#: Seconds that a look at an encoder, or a probe of it, spends beside its own work.
_LOOK = 0.3
#: Tokens of a text as long as nobody has looked at the data.
_TOKENS = 24
#: What was found out in this process, by what decides on it.
_answers: dict[object, Answer] = {}


@dataclass(frozen=True)
class Estimate:
    """Expected durations.

    Attributes:
        seconds: by key.
        relative_flops: of a step, by key, for the training runs that are to do.
        source: where the seconds come from, for the user.
        remarks: what could not be found out, a sentence each.
        hopeless: by key, why a run is not worth starting: its method cannot take a step.
    """

    seconds: Mapping[str, float]
    relative_flops: Mapping[str, float]
    source: str
    remarks: tuple[str, ...] = ()
    hopeless: Mapping[str, Trouble] = field(default_factory=dict)


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
    similar: Mapping[str, Recorded],
    study_file: Path,
    each: float | None = None,
    sketch: Sketch | None = None,
    own: bool = True,
    patience: float = inf,
) -> Estimate:
    """Expected seconds of each run of a plan.

    Runs of the same kind (all but seed and teacher) that are recorded give their median; others
    are calibrated by timing a few steps of base with their model on made-up input, times the FLOPs
    of a step of their method relative to base. Processes for that purpose do it, so that code of
    the study that raises, ends or never comes to its end takes nothing else along.

    Args:
        plan: the graph.
        jobs: keys of the runs to execute.
        similar: the finished runs of the same kinds.
        study_file: declares it.
        each: seconds of a run, where they need not be found out.
        sketch: where the plan is one on stand-ins; what it does not know takes NaN seconds.
        own: whether code of the user's is asked, too; in those processes no debugger can stop.
        patience: seconds that a step of it may take, as those that a run may take.
    """
    if each is not None:
        unsound = {k: _fault(run) for k, run in plan.runs.items()}
        hopeless = {k: trouble for k, trouble in unsound.items() if trouble}
        return Estimate(dict.fromkeys(plan.runs, each), {}, "experience", hopeless=hopeless)
    recorded: dict[str, list[float]] = defaultdict(list)
    for done in similar.values():
        trained = done.scores.get("seconds", 0.0)  # by earlier attempts too, if there were some
        # Of a stack the record was open as long for each of its runs as for all of them.
        open_for = done.seconds / int(done.tags.get(STACKED, 1))
        recorded[done.kind].append(max(open_for, trained))
    series = [_Series.of(keys, plan, jobs, recorded, sketch, own) for keys in _alike(plan)]
    wanted = [some for some in series if some.open]
    questions = (question for some in wanted for question in some.asked.questions)
    _find_out(questions, study_file, patience)
    seconds: dict[str, float] = {}
    for some in series:
        took = some.seconds(recorded, sketch)
        seconds.update((k, took if some.known or k in jobs else 0.0) for k in some.keys)
    return Estimate(
        seconds if sketch else _filled(plan, seconds),
        {k: flops for some in wanted if (flops := some.flops) is not None for k in some.open},
        " and ".join(sorted({some.source(sketch) for some in wanted})) or "nothing to do",
        tuple(_remarks(wanted)),
        {k: why for some in wanted if (why := some.asked.hopeless) for k in some.open},
    )


def has_own_code(run: Run) -> bool:
    """Whether a run trains with code of the user's."""
    if isinstance(run, TrainRun):
        return is_foreign(run.method, run.model, run.task)
    return isinstance(run, PretrainRun | FeaturesRun) and is_foreign(run.model, run.task)


def _alike(plan: Plan) -> Iterable[list[str]]:
    """Keys of the runs of a series that are declared by the same objects."""
    found: dict[tuple[object, ...], list[str]] = {}
    for k, run in plan.runs.items():
        found.setdefault((type(run), run.series, *map(id, run.declared())), []).append(k)
    return found.values()


@dataclass(frozen=True)
class _Series:
    """Runs that take equally long.

    Attributes:
        keys: of all of them.
        run: one of them.
        open: keys of those that are to do.
        known: whether one of their kind is recorded.
        asked: what is to be found out for each of them.
    """

    keys: Sequence[str]
    run: Run
    open: Sequence[str]
    known: bool
    asked: _Asked

    @classmethod
    def of(
        cls,
        keys: Sequence[str],
        plan: Plan,
        jobs: Mapping[str, object],
        recorded: Mapping[str, Sequence[float]],
        sketch: Sketch | None,
        own: bool,
    ) -> _Series:
        run = plan.runs[keys[0]]
        known = run.kind in recorded
        asked = own or not has_own_code(run)
        questions = _Asked.of(run, known, sketch) if asked else _Asked(fault=_fault(run))
        return cls(keys, run, [k for k in keys if k in jobs], known, questions)

    @property
    def flops(self) -> float | None:
        """Of a step relative to base; None where they are not known."""
        counted = self.asked.relative if isinstance(self.run, TrainRun) else None
        return None if isinstance(counted, Trouble) else counted

    def source(self, sketch: Sketch | None) -> str:
        """Where the seconds of a run come from."""
        if self.known:
            return "recorded durations"
        return f"{'published sizes and ' if sketch else ''}a calibration of a few steps"

    def seconds(self, recorded: Mapping[str, Sequence[float]], sketch: Sketch | None) -> float:
        """Of a run; what nobody wants to know of them is not found out."""
        if self.known:
            return median(recorded[self.run.kind])
        return _calibrated(self.run, self.asked, sketch) if self.open else 0.0


@dataclass(frozen=True)
class _Asked:
    """What is to be found out for a run, where it is not known."""

    step: StepTime | None = None
    flops: Flops | None = None
    timed: Flops | None = None
    fault: Trouble | None = None

    @classmethod
    def of(cls, run: Run, recorded: bool, sketch: Sketch | None) -> _Asked:
        if isinstance(run, PretrainRun):
            p = run.pretraining
            masked = p.probability if isinstance(p, MaskedLanguageModelling) else None
            sizes = p.batch_size, p.length, masked
            step = StepTime(run.model, run.task, run.training, *sizes)
            return cls(None if recorded else step)
        if not isinstance(run, TrainRun | FeaturesRun):
            return cls()
        if fault := _fault(run):
            return cls(fault=fault)
        model = sketch.models.get(run.model, run.model) if sketch else run.model
        t = run.training
        rows = min(t.batch_size, run.task.sizes["train"])
        step = StepTime(model or run.model, run.task, t, rows, min(t.max_length, _TOKENS))
        known = recorded or model is None
        if isinstance(run, FeaturesRun):  # which computes in float32, whatever trains
            in_full = replace(step, training=replace(t, precision="float32"))
            return cls(None if known else in_full)
        flops = Flops(run.method, run.model, run.task, run.training)
        timed = replace(flops, method=Base()) if t.gradient_checkpointing else None
        needed = t.gradient_checkpointing or type(run.method) is not Base
        return cls(None if known else step, flops if needed else None, timed=timed)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Those that there are."""
        return tuple(each for each in (self.step, self.flops, self.timed) if each)

    @property
    def relative(self) -> Answer:
        """FLOPs of a step relative to base."""
        return _answers[self.flops.place] if self.flops else 1.0

    @property
    def times(self) -> float:
        """How often a run's step takes what was timed, a step of base with the same settings."""
        timed = _answers[self.timed.place] if self.timed else 1.0
        if isinstance(self.relative, Trouble) or isinstance(timed, Trouble):
            return 1.0
        return self.relative / timed

    @property
    def hopeless(self) -> Trouble | None:
        """Why the run itself would come to nothing: of the user's code, what cannot take a step."""
        if self.fault:
            return self.fault
        for question in self.questions:
            answer = _answers[question.place]
            if isinstance(answer, Trouble) and is_foreign(*question.declared):
                theirs = isinstance(question, Flops) and is_foreign(question.method)
                if answer.ends_processes or (answer.in_method and theirs):
                    return answer
        return None


def _fault(run: Run) -> Trouble | None:
    """What the code of its method did when it was asked what the run needs."""
    if isinstance(run, TrainRun) and isinstance(run.method, Unsound):
        return Trouble(run.method.trouble, in_method=True)
    return None


def _find_out(questions: Iterator[Question], study_file: Path, patience: float) -> None:
    """Ask what this process does not know yet."""
    new = {q.place: q for q in questions if q.place not in _answers}
    if new:
        _answers.update(zip(new, ask(list(new.values()), study_file, patience), strict=True))


def _calibrated(run: Run, asked: _Asked, sketch: Sketch | None) -> float:
    """Seconds of a run; NaN where they cannot be told."""
    if isinstance(run, DataRun):
        size = 0 if sketch else run.task.disk_need()
        return _OVERHEAD + size / _PREPARED_A_SECOND if size else _PREPARATION
    if isinstance(run, ProbeRun):
        numbers = features_in(run.task.sizes["train"], run.model, run.task)
        return _LOOK + _PROBED * numbers * len(run.task.classes)
    step = _answers[asked.step.place] if asked.step else nan
    if isinstance(step, Trouble):
        return nan
    if isinstance(run, PretrainRun):
        return _OVERHEAD + step * run.pretraining.steps
    if isinstance(run, FeaturesRun):
        batches = sum(run.task.sizes.values()) / run.training.batch_size
        return _LOOK + _FORWARD * step * batches
    if isinstance(run, TrainRun):
        examples = sketch.examples[run.task.name] if sketch else run.task.sizes["train"]
        if examples is None:
            return nan
        steps = -(-examples // run.training.batch_size)
        epochs = sum(phase.epochs for phase in run.method.phases(run.training))
        return _OVERHEAD + 1.15 * step * asked.times * steps * epochs
    raise TypeError(f"no way to estimate a {type(run).__name__}")


def _filled(plan: Plan, seconds: Mapping[str, float]) -> Mapping[str, float]:
    """The same; a run of which nothing could be told takes as long as others that train."""
    beside = DataRun | FeaturesRun | ProbeRun
    known = [seconds[k] for k, run in plan.runs.items() if not isinstance(run, beside)]
    typical = median([s for s in known if s > 0] or [_PREPARATION])
    return {k: typical if isnan(s) else s for k, s in seconds.items()}


def _remarks(open_ones: Iterable[_Series]) -> Iterator[str]:
    """Who cannot be estimated and why, each once."""
    said: dict[str, list[str]] = defaultdict(list)
    for each in open_ones:
        asked = each.asked
        for answer in (asked.fault, *(_answers[q.place] for q in asked.questions)):
            if isinstance(answer, Trouble):
                left = " It is not trained." if asked.hopeless else ""
                told = f"cannot be estimated: {answer.message.rstrip('.')}.{left}"
                said[told].append(each.run.series)
    for sentence, names in said.items():
        yield f"{', '.join(dict.fromkeys(names))}: {sentence}"
