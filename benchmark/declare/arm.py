"""One arm of a study: a model, what its weights start from, and how it is trained."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.declare.chains import After, start_of
from benchmark.declare.search import Params, Search
from benchmark.errors import StudyError
from trainers.resolve.folders import settled

if TYPE_CHECKING:
    from trainers.methods import Method
    from trainers.models import EverySecondLayer, Model
    from trainers.pretraining import Denoising, MaskedLanguageModelling, Supervised
    from trainers.settings import Training

    Init = str | Path | EverySecondLayer | MaskedLanguageModelling | Denoising | Supervised | After

#: An arm within its study: names of model, init and arm.
Place = tuple[str, str, str]

#: Longest name of a study or an arm; the record takes little more.
_LONGEST_NAME = 250


@dataclass(frozen=True)
class Arm:
    """One (model, init, method).

    Attributes:
        model: the architecture.
        init: what the weights start from: "pretrained" (the model's own pre-training), "scratch",
            a folder with a checkpoint, `every_second_layer` of a deeper model, a pre-training
            declared here, or what the run of the same seed on another task has ended with
            (`After`, `chain`).
        method: how it is trained.
        name: what tables and flags call it; the method's name unless two arms would share it.
        training: its settings, where they differ from the study's.
        search: which hyper-parameters of method and training are tuned on dev, and over what.
    """

    model: Model
    init: Init
    method: Method
    name: str = ""
    training: Training | None = None
    search: Search | None = None

    def __post_init__(self) -> None:
        if not isinstance(getattr(self.method, "name", None), str) or isinstance(self.method, type):
            raise StudyError(
                f"arm {self.name or self.method!r}: method must be an instance of a method such "
                f"as Base(), not {self.method!r}."
            )
        if not self.name:
            object.__setattr__(self, "name", self.method.name)
        check_name(self.name, "arm: name")
        if self.search is not None and not isinstance(self.search, Search):
            raise StudyError(
                f'arm "{self.name}": search must be a Search(...), not {self.search!r}.'
            )
        if not hasattr(self.model, "build") or isinstance(self.model, type):
            raise StudyError(f'arm "{self.name}": model must be a model, not {self.model!r}.')
        if isinstance(self.init, Path):
            object.__setattr__(self, "init", settled(self.init, is_file=True))
        start = start_of(self.init)
        if isinstance(start, str) and start not in ("pretrained", "scratch"):
            raise StudyError(
                f'arm "{self.name}": init must be "pretrained", "scratch", a Path to a '
                f"checkpoint, a pre-training or After(task), not {start!r}."
            )
        if start == "pretrained" and not self.model.is_pretrained:
            raise StudyError(
                f'arm "{self.name}": init="pretrained", but {self.model.name} declares no '
                'pretraining; give the model pretraining=... or use init="scratch".'
            )

    @property
    def init_name(self) -> str:
        """How tables call the init."""
        return self.init if isinstance(self.init, str) else self.init.name

    @property
    def place(self) -> Place:
        """What tells it from the other arms of its study."""
        return (self.model.name, self.init_name, self.name)

    @property
    def label(self) -> str:
        """For instance "kd · pretrained"."""
        return f"{self.name} · {self.init_name}"

    @classmethod
    def grid(
        cls,
        model: Model | Sequence[Model],
        init: Init | Sequence[Init],
        method: Method | Sequence[Method],
        training: Training | None = None,
        search: Search | None = None,
    ) -> tuple[Arm, ...]:
        """Every combination of models, inits and methods; each takes of the search what it has.

        Of methods that share a name each arm is called by what it differs in, as in
        "magnitude(sparsity=0.5)".
        """
        methods = _sequence(method)
        arms = [
            cls(one_model, one_init, one_method, name, training)
            for one_model in _sequence(model)
            for one_init in _sequence(init)
            for one_method, name in zip(methods, _distinct_names(methods), strict=True)
        ]
        return tuple(arms if search is None else share(search, arms))


def check_name(name: object, what: str) -> None:
    """Refuse a name that no table, database or file could hold.

    Raises:
        StudyError: with what is wrong with it.
    """
    if not isinstance(name, str) or not name.strip():
        raise StudyError(f"{what} must be a text that is not empty, not {name!r}.")
    if len(name) > _LONGEST_NAME:
        raise StudyError(
            f"{what} has {len(name):,} characters, and at most {_LONGEST_NAME} can be kept."
        )
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
        raise StudyError(f"{what} {name!r} holds a control character; take it out.")


def _sequence(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _distinct_names(methods: Sequence[Method]) -> list[str]:
    """What arms with these methods are called where several share a name; "" for all others.

    By the numbers, words and switches in which they differ; where that is not all that they differ
    in, or nothing is, they keep the name.
    """
    called = [getattr(each, "name", None) for each in methods]
    return [
        _told_apart(each, [m for m, n in zip(methods, called, strict=True) if n == name])
        if called.count(name) > 1
        else ""
        for each, name in zip(methods, called, strict=True)
    ]


def _told_apart(method: Method, alike: Sequence[Method]) -> str:
    if any(isinstance(each, type) or not hasattr(each, "hyper_parameters") for each in alike):
        return ""  # no method: its arm says so
    settings = [each.hyper_parameters() for each in alike]
    own = method.hyper_parameters()
    told = {n: v for n, v in own.items() if len({repr(each.get(n)) for each in settings}) > 1}
    if not told or not all(isinstance(v, bool | int | float | str) for v in told.values()):
        return ""
    return f"{method.name}({', '.join(f'{n}={v}' for n, v in told.items())})"


def share(search: Search, arms: Sequence[Arm]) -> list[Arm]:
    """Give every arm of a grid its part of a search.

    A hyper-parameter of some methods goes to the arms with these methods; any other name is taken
    for a setting of the training, and goes to all.
    """
    of_methods = {name for arm in arms for name in arm.method.hyper_parameters()}
    return [
        replace(
            arm,
            search=search.only(
                {n for n in search.names if n not in of_methods}
                | set(arm.method.hyper_parameters())
            ),
        )
        for arm in arms
    ]


def tuned(arm: Arm, training: Any, params: Params) -> Arm:
    """The arm with a setting in place; what it has no use for (another arm's α) is left out.

    Args:
        arm: as declared.
        training: the settings that it is trained with where the setting says nothing.
        params: values by name.

    Raises:
        TrainerError: a value that the method or the training refuses.
    """
    in_training = {f.name for f in fields(training)}
    in_method = arm.method.hyper_parameters()
    return replace(
        arm,
        search=None,
        training=replace(training, **{k: v for k, v in params.items() if k in in_training}),
        method=arm.method.with_hyper_parameters(
            {k: v for k, v in params.items() if k in in_method}
        ),
    )
