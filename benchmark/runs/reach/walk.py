"""A walk over everything that a declared object's code can reach, and the digest of what it meets.

Names are followed through code objects into every module that is neither installed nor ours. The
digest holds the syntax of functions, the values of constants, the state of instances, and the
content of files that are opened by a constant path. What cannot be followed is named.
"""

from __future__ import annotations

import copyreg
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from types import FunctionType, ModuleType
from typing import Any

from benchmark.runs.reach.functions import Functions
from benchmark.runs.reach.origin import origin
from benchmark.runs.reach.values import BUILT_IN, GENERATED, WEAK, plain, unwrapped
from benchmark.user_code.names import NOT_CODE
from benchmark.user_code.project import project_of
from trainers.methods import Method, Teacher
from trainers.models import Model
from trainers.pretraining import Denoising, MaskedLanguageModelling, Supervised

#: Fields of a declared method or model whose runs have keys of their own, which stand in the keys
#: of those that need them.
_RUNS = (
    (Method, "teacher", (Model, Teacher)),
    (Model, "pretraining", (MaskedLanguageModelling, Denoising, Supervised)),
)


@dataclass(frozen=True)
class Reached:
    """What a user's code reaches.

    Attributes:
        digest: of all of it; None where nothing of the user's is reached.
        unfollowed: what cannot be followed, each with its place.
        packages: installed packages that the code uses, by the names they are imported by.
    """

    digest: str | None
    unfollowed: tuple[str, ...]
    packages: frozenset[str]


def reach(declared: object) -> Reached:
    """Everything of the user's that a task, a model, a method or a setting reaches.

    Args:
        declared: an object of a study.
    """
    return _reached({"": declared})


def reach_of(changed: Mapping[str, object]) -> Reached:
    """Everything that some values reach which a study has put in the place of others.

    Args:
        changed: by the full name of what they stand in for.
    """
    return _reached(changed, are_the_users=bool(changed))


def _reached(values: Mapping[str, object], are_the_users: bool = False) -> Reached:
    walk = _Walk()
    walk.touched = are_the_users
    if not are_the_users:
        walk.declared = [each for value in values.values() for each in _with_parts(value)]
    try:
        for name, value in values.items():
            if name:
                walk.say(name)
                walk.place = f"{name}: "
            walk.visit(value)
    except Exception as error:  # noqa: BLE001 - objects of the user's may raise anything
        walk.miss(f"looking at it raised {type(error).__name__}: {error}")
    digest = walk.digest.hexdigest() if walk.touched else None
    return Reached(digest, tuple(dict.fromkeys(walk.unfollowed)), frozenset(walk.packages))


def _with_parts(declared: object) -> tuple[object, ...]:
    """A declared object, and the methods that it is composed of."""
    return (declared, *(getattr(declared, "parts", ()) if isinstance(declared, Method) else ()))


class _Walk(Functions):
    declared: Sequence[object] = ()

    def visit(self, value: object) -> None:
        """Follow one value."""
        if isinstance(value, WEAK) and not self.lenient:
            self.weak(value)
            return
        told = plain(value, self.home)
        if told is not None:
            self.say(*told.said)
            for text in told.texts:
                self.file_called(text)
            if told.said[0] in ("tensor", "array"):
                self.of_array(value)
            return
        if isinstance(value, BUILT_IN):
            self.built_in(value)
            return
        if id(value) in self.seen:
            self.say("again", self.seen[id(value)][0])
            return
        self.seen[id(value)] = (len(self.seen), value)
        if isinstance(value, ModuleType):
            self.module(value)
        elif isinstance(value, FunctionType):
            self.function(value)
        elif isinstance(value, type):
            self.class_(value)
        elif (parts := unwrapped(value)) is not None:
            self.say(type(value).__qualname__, len(parts))
            for part in parts:
                self.visit(part)
        else:
            self.instance(value)

    def weak(self, value: Any) -> None:
        """What something holds weakly, by now."""
        self.say(type(value).__qualname__)
        if isinstance(value, weakref.ref):
            self.visit(value())
        elif isinstance(value, weakref.WeakSet):
            if value:
                self.miss("the order of a WeakSet is another in every process")
        else:
            self.visit([each for item in value.items() for each in item])

    def of_array(self, value: Any) -> None:
        """What a user has added to an array or a tensor: attributes, or a class of his own."""
        added = getattr(value, "__dict__", None)
        if id(value) not in self.seen and (added or origin(type(value).__module__) == "user"):
            self.seen[id(value)] = (len(self.seen), value)
            self.visit(type(value))
            self.visit(dict(sorted(added.items())) if added else None)

    # -- modules ----------------------------------------------------------------------------------

    def module(self, module: ModuleType) -> None:
        """A module that is handed about as a whole: whatever is in it may be used."""
        if origin(module.__name__) != "user":
            self.outside(module.__name__, "")
            return
        self.touched = True
        if not str(getattr(module, "__file__", "") or "x.py").endswith(".py"):
            self.miss(f"{module.__name__} has no source")
        for name, value in sorted(vars(module).items()):
            is_special = name.startswith("__") and name.endswith("__")
            if name == "__getattr__" or not is_special:
                self.say(name)
                self.visit(value)

    def built_in(self, value: Any) -> None:
        """A function written in C, with the object that it is a method of."""
        holder = getattr(value, "__objclass__", None)
        module = getattr(holder or value, "__module__", None) or "builtins"
        self.outside(str(module), value.__name__)
        held = getattr(value, "__self__", None)
        if held is not None and not isinstance(held, ModuleType):
            self.visit(held)

    # -- classes and instances --------------------------------------------------------------------

    def class_(self, cls: type) -> None:
        """A class, with those that it is made from."""
        if origin(cls.__module__) != "user":
            self.outside(cls.__module__, cls.__qualname__)
            self.replaced(cls)
            return
        self.touched = True
        if origin(type(cls).__module__) == "user":
            self.visit(type(cls))
        for base in cls.__bases__:
            self.visit(base)
        if is_dataclass(cls):
            for f in fields(cls):
                self.say("field", f.name, f.init, f.kw_only, f.compare)
                self.visit(f.default)
                self.visit(f.default_factory)
        for name, value in sorted(vars(cls).items()):
            made = is_dataclass(cls) and name in GENERATED and _has_no_file(value)
            if name not in NOT_CODE and not made:
                self.say(name)
                self.visit(value)

    def replaced(self, cls: type) -> None:
        """Methods of one of our classes that the user has put in place of ours."""
        for base in cls.__mro__ if origin(cls.__module__) == "ours" else ():
            for name, value in vars(base).items():
                own = isinstance(value, FunctionType) and value.__globals__.get("__name__")
                if own and isinstance(value, FunctionType) and origin(str(own)) == "user":
                    self.say(base.__qualname__, name)
                    self.visit(value)

    def instance(self, value: Any) -> None:
        """An object: its class and its state."""
        cls, before, home = type(value), self.owner, self.home
        whose = origin(cls.__module__)
        if whose == "user" or (whose == "ours" and is_dataclass(cls)):
            project = project_of(cls.__module__)
            self.owner, self.home = value, project.root if project else home
            self.visit(cls)
            self.owner = before
            self.state(value)
            self.home = home
            return
        try:
            reduce = copyreg.dispatch_table.get(cls)
            parts = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 - whatever an object says, it cannot be followed
            self.say(cls.__module__, cls.__qualname__)
            self.miss(f"the state of a {cls.__qualname__} cannot be read")
            return
        self.outside(cls.__module__, cls.__qualname__)
        for part in (parts,) if isinstance(parts, str) else parts:
            self.visit(list(part) if isinstance(part, Iterator) else part)

    def state(self, value: Any) -> None:
        """What an instance holds; fields of a declaration say the same by 1 and by 1.0."""
        slots = [s for c in type(value).__mro__ for s in _slots(c) if hasattr(value, s)]
        held = {**getattr(value, "__dict__", {}), **{s: getattr(value, s) for s in slots}}
        for name, inner in sorted(held.items()):
            if self.has_key_of_its_own(value, name, inner):
                continue
            whole = isinstance(inner, float) and inner.is_integer()
            self.say(name)
            self.visit(int(inner) if whole else inner)
        kinds: tuple[Any, ...] = (dict, list, tuple, set, str, int, float)
        for kind in kinds:
            if isinstance(value, kind) and type(value) is not kind:
                self.visit(kind(value))

    def has_key_of_its_own(self, value: object, name: str, inner: object) -> bool:
        """Whether a field's run has a key that stands in the key of the object's own run."""
        return any(value is each for each in self.declared) and any(
            isinstance(value, holder) and name == field and isinstance(inner, kinds)
            for holder, field, kinds in _RUNS
        )


def _has_no_file(value: object) -> bool:
    while isinstance(value, FunctionType) and hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return not isinstance(value, FunctionType) or value.__code__.co_filename.startswith("<")


def _slots(cls: type) -> tuple[str, ...]:
    named = vars(cls).get("__slots__", ())
    given = (named,) if isinstance(named, str) else tuple(named)
    return tuple(s for s in given if s not in ("__dict__", "__weakref__"))
