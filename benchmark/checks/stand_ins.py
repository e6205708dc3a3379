"""A study with everything large made tiny: to be rehearsed, or to be planned without it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.checks.estimate import Sketch
from benchmark.declare.arm import Arm
from benchmark.declare.chains import links_of, shortened, start_of, starting_from
from benchmark.declare.probes import Probes
from benchmark.declare.search import Search, Tuning
from benchmark.declare.study import Study
from benchmark.declare.tuned import is_searched
from trainers.methods import Teacher
from trainers.models import EverySecondLayer, HubModel, Model
from trainers.models.generation.tiny import save_tiny_writer, type_of_writer
from trainers.models.published import SHAPES, write_shape
from trainers.models.stored.tiny import save_tiny, type_of
from trainers.pretraining import Denoising, MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Task
from trainers.tasks.elsewhere.source import SourceTask
from trainers.tasks.made_up import SIZES, WORDS, made_up
from trainers.tasks.paper.published import training_examples

#: Seeds of the comparison, settings of a search, and tokens of a text, at most.
SEEDS, TRIALS, TOKENS = 2, 2, 32
#: Learning rates below the one are multiplied by the other.
SLOW, FASTER = 1e-3, 500
#: Links of a chain, and tasks that are probed, at most.
LINKS, PROBED = 2, 2
#: Layers of every tiny model, and of one from which a student takes every second layer.
LAYERS, DEEP = 2, 4
_SIDE = 32
#: Tokens of a text that is written.
_FEW = 8


@dataclass
class StandIns:
    """Puts tiny models and made-up data in the place of a study's own.

    Attributes:
        folder: where they are written.
        epochs: of every training; None leaves settings as they are, for a plan.
        deep: models of which some arm takes every second layer.
        models: what each tiny model stands for.
        write: whether the models write texts.
    """

    folder: Path
    epochs: int | None
    deep: frozenset[str] = frozenset()
    models: dict[Model, HubModel] = field(default_factory=dict)
    write: bool = False
    _made: dict[Any, Any] = field(default_factory=dict)

    def of(self, declared: Any) -> Any:
        """What stands in for a declaration, or for a part of one."""
        match declared:
            case SourceTask():
                made = self._once(declared, lambda: made_up(declared, self._new("data")))
                return made if self.epochs is None else _brief(made)
            case Task():
                return _brief(_smaller(declared))
            case HubModel():
                return self._model(declared)
            case EverySecondLayer():
                return replace(declared, source=self._weights(declared.source, _SIDE))
            case Arm() | Teacher():
                return replace(declared, **self._parts(declared) | self._init(declared))
            case Training() | MaskedLanguageModelling() | Denoising() | Search():
                return declared if self.epochs is None else _quick(declared, self.epochs)
            case tuple():
                return tuple(self.of(part) for part in declared)
        if is_dataclass(declared) and not isinstance(declared, type):
            return replace(declared, **self._parts(declared))
        return declared

    def _parts(self, declared: Any) -> dict[str, Any]:
        """Those fields in which something is replaced."""
        found = {f.name: getattr(declared, f.name) for f in fields(declared) if f.init}
        changed = {name: self.of(value) for name, value in found.items()}
        return {name: value for name, value in changed.items() if value is not found[name]}

    def _init(self, declared: Any) -> dict[str, Any]:
        """A user's checkpoint fits the real model alone: a tiny one of its name takes its place."""
        start, model = start_of(declared.init), declared.model
        if not isinstance(start, Path) or not isinstance(model, HubModel):
            return {}
        weights = self._weights(model.source, _side(model))
        folder = self._new("checkpoints") / start.name
        folder.symlink_to(weights, target_is_directory=True)
        return {"init": starting_from(folder, self.of(declared.init))}

    def _model(self, model: HubModel) -> HubModel:
        layers = LAYERS if model.layers else None
        tiny = replace(model, source=self._weights(model.source, _side(model)), layers=layers)
        self.models[tiny] = model
        return tiny

    def _weights(self, source: str | Path, side: int) -> Path:
        """The folder of the tiny model, by the name of the real one."""

        def write() -> Path:
            folder = self._new("models") / Path(source).name
            folder.mkdir()
            layers = DEEP if str(source) in self.deep else LAYERS
            texts = [" ".join(WORDS)] * 2  # a tokenizer leaves out what it met only once
            if self.write:
                save_tiny_writer(type_of_writer(source), folder, layers=layers, texts=texts)
            else:
                save_tiny(type_of(source), folder, layers=layers, side=side, texts=texts)
            return folder

        found: Path = self._once((str(source), side), write)
        return found

    def _once(self, what: Any, make: Any) -> Any:
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]

    def _new(self, kind: str) -> Path:
        path = self.folder / kind / str(len(list((self.folder / kind).glob("*"))))
        path.mkdir(parents=True)
        return path


def _quick(declared: Any, epochs: int) -> Any:
    """Settings that take a fraction of a second."""
    match declared:
        case Training():
            length = min(declared.max_length, TOKENS)
            # At a real model's rate no tiny one would move, and all arms would score alike.
            lr = declared.lr * FASTER if declared.lr < SLOW else declared.lr
            return replace(declared, epochs=epochs, max_length=length, lr=lr)
        case MaskedLanguageModelling():
            return replace(declared, steps=min(declared.steps, 4), batch_size=4, length=8)
        case Denoising():
            steps, span = min(declared.steps, 4), min(declared.span, 2.0)
            return replace(declared, steps=steps, batch_size=4, length=8, span=span)
        case Search():
            return Search(**{n: [epochs] if n == "epochs" else v for n, v in declared.space})


def stand_in(study: Study, folder: Path) -> tuple[Study, Sketch]:
    """The study as it is, but for its data and models: for a plan as long as these are not here.

    Args:
        study: as declared.
        folder: for tiny models and made-up data.

    Returns:
        The study on stand-ins, and what is known of the models and data that they stand for.

    Raises:
        ModelError: a model is not here, and its name does not say of what type it is.
    """
    stand_ins = StandIns(folder, None, _taken_apart(study), write=_writes(study))
    made = replace(
        study,
        task=stand_ins.of(study.tasks),
        arms=stand_ins.of(study.arms),
        probes=stand_ins.of(study.probes),
        allow_underpowered=True,
    )
    models = {tiny: _shaped(real, folder) for tiny, real in stand_ins.models.items()}
    read = (*study.tasks, *study.chained_tasks, *study.probed_tasks)
    examples = {task.name: _training_examples(task) for task in read}
    return made, Sketch(models, examples)


def _shaped(model: HubModel, folder: Path) -> HubModel | None:
    """The model, or one of its shape without weights; None where the shape is not known."""
    if model.repository.missing_config() is None:
        return model
    source = str(model.source)
    if source not in SHAPES:
        return None
    shape = folder / "shapes" / source
    if not shape.is_dir():
        shape.mkdir(parents=True)
        write_shape(source, shape)
    return replace(model, source=shape)


def _training_examples(task: Task) -> int | None:
    if isinstance(task, SourceTask) and task.requirements():
        return training_examples(task)
    return task.sizes["train"]


def _writes(study: Study) -> bool:
    return any(task.writes == "text" for task in study.tasks)


def _taken_apart(study: Study) -> frozenset[str]:
    """Models of which some arm takes every second layer."""
    inits = (arm.init for arm in study.arms)
    return frozenset(str(init.source) for init in inits if isinstance(init, EverySecondLayer))


def rehearsal(study: Study, folder: Path) -> Study:
    """The study in miniature: 64 examples of every task, two seeds, as few epochs as will do.

    Args:
        study: as declared; neither its data nor its models need to be here.
        folder: for tiny models and made-up data.

    Raises:
        ModelError: a model is not here, and its name does not say of what type it is.
    """
    tuning = _short(study.tuning_used) if is_searched(study) else None
    epochs, write = _epochs(study, tuning), _writes(study)
    stand_ins = StandIns(folder, epochs, _taken_apart(study), write=write)
    tasks, short = _of_every_kind(study), _shortened(study)
    names = {task.name for task in (*tasks, *short.chained_tasks, *short.probed_tasks)}
    return replace(
        short,
        name=f"{study.name} (smoke: its scores mean nothing)",
        task=stand_ins.of(tasks),
        arms=stand_ins.of(short.arms),
        probes=stand_ins.of(short.probes),
        training=stand_ins.of(study.training),
        task_training=stand_ins.of(tuple(p for p in study.task_training if p[0] in names)),
        seeds=study.seeds[:SEEDS],
        tuning=tuning,
        allow_underpowered=True,
    )


def _epochs(study: Study, tuning: Tuning | None) -> int:
    """As few as will do: one for each phase of a method, and two make a learning curve."""
    trained = [(a, a.method, t) for a in study.arms for t in study.tasks]
    trained += [
        (a, link.method or a.method, link.task) for a in study.arms for link in links_of(a.init)
    ]
    phases = [len(method.phases(study.training_of(arm, task))) for arm, method, task in trained]
    return max(*phases, 2 if tuning and tuning.pruner == "asha" else 1)


def _shortened(study: Study) -> Study:
    """The study with chains of few links and probes of few tasks: one is like another here.

    Arms whose chains differ further on alone keep them whole. Settings of single tasks are left
    out, for some of these are.
    """
    probes = study.probes
    if probes and probes.named:
        probes = Probes(probes.named[:PROBED], probes.at)
    arms = [replace(arm, init=shortened(arm.init, LINKS)) for arm in study.arms]
    told_apart = len({arm.place for arm in arms}) == len(arms)
    return replace(
        study,
        arms=tuple(arms) if told_apart else study.arms,
        probes=probes,
        task_training=(),
        allow_underpowered=True,
    )


def _of_every_kind(study: Study) -> tuple[Task, ...]:
    """The first task of those that are read and judged alike: on made-up data one is like another.

    Two are kept where there are two, since a verdict over tasks takes as many.
    """
    kinds: dict[Any, Task] = {}
    for task in study.tasks:
        columns, pairs = len(getattr(task, "columns", ())), _two_classes(task)
        kinds.setdefault((type(task), columns, pairs, study.metric_on(task)), task)
    found = [t for t in study.tasks if t in kinds.values()]
    return tuple(found if len(found) > 1 else study.tasks[:2])


def _two_classes(task: Task) -> bool:
    """Whether the task says itself that it has two classes; asking the data would need them."""
    return len(getattr(task, "class_names", ())) == 2


def _short(tuning: Tuning) -> Tuning:
    return replace(
        tuning,
        trials=min(tuning.trials, TRIALS),
        seeds=tuning.seeds[:1] if isinstance(tuning.seeds, tuple) else 1,
        pruner="none" if tuning.pruner == "wilcoxon" else tuning.pruner,
    )


def _smaller(task: Task) -> Task:
    """An embedded task or one of the user's own: its data stay, its splits shrink if they can."""
    splits = {f.name for f in fields(task)} & set(SIZES)
    classes = (len(task.classes) if splits else 1) or 1
    sizes = {s: max(1, size // classes) * classes for s, size in SIZES.items() if s in splits}
    return replace(task, **sizes)


def _brief(task: Task) -> Task:
    """The same with texts of a few tokens, where it asks for texts."""
    if task.writes != "text" or not is_dataclass(task):
        return task
    few = replace(task.decoding, longest=min(_FEW, task.decoding.longest))
    declared: Any = task
    brief: Task = replace(declared, decoding=few)
    return brief


def _side(model: HubModel) -> int:
    return model.image_size or _SIDE
