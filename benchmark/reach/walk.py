"""A walk over everything that a declared object's code can reach, and the digest of what it meets.

Names are followed through code objects into every module that is neither installed nor ours. The
digest holds the syntax of functions, the values of constants, the state of instances, and the
content of files that are opened by a constant path. What cannot be followed is named.
"""

import functools
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from benchmark.project import in_words_of_the_user, project_of
from benchmark.reach.dynamic import reason
from benchmark.reach.files import content
from benchmark.reach.modules import imported
from benchmark.reach.names import Reference, references, texts
from benchmark.reach.opened import changes, openings
from benchmark.reach.origin import origin
from benchmark.reach.paths import Paths, Unknown
from benchmark.reach.syntax import functions_of, normal_form
from benchmark.reach.values import BUILT_IN, GENERATED, NOT_CODE, plain, unwrapped

#: Fields whose runs have keys of their own, which stand in the keys of those that need them.
_RUNS = frozenset(("pretraining", "teacher"))
#: Globals that say where a module lies and how it was loaded.
_PLACES = frozenset(("__file__", "__name__", "__package__", "__spec__", "__path__", "__loader__"))


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
    walk = _Walk()
    try:
        walk.visit(declared)
    except Exception as error:  # noqa: BLE001 - objects of the user's may raise anything
        walk.miss(f"looking at it raised {type(error).__name__}: {error}")
    digest = walk.digest.hexdigest() if walk.touched else None
    return Reached(digest, tuple(dict.fromkeys(walk.unfollowed)), frozenset(walk.packages))


class _Walk:
    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.touched = False
        self.unfollowed: list[str] = []
        self.packages: set[str] = set()
        self.owner: object = None
        self.home = Path.cwd()
        self.place = ""
        self.lenient = False
        # The things themselves are kept, so that none of them gets the number of another.
        self.seen: dict[int, tuple[int, object]] = {}

    def say(self, *what: object) -> None:
        """Add to the digest."""
        self.digest.update(repr(what).encode("utf-8", "surrogatepass") + b"\0")

    def miss(self, what: str) -> None:
        """Name something that cannot be followed."""
        self.say("unfollowed", what)
        if not self.lenient:
            self.unfollowed.append(in_words_of_the_user(f"{self.place}{what}"))

    def visit(self, value: object) -> None:
        """Follow one value."""
        told = plain(value, self.home)
        if told is not None:
            self.say(*told.said)
            for text in told.texts:
                self.file_called(text)
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
            if not (name.startswith("__") and name.endswith("__")):
                self.say(name)
                self.visit(value)

    def outside(self, module: str, name: str) -> None:
        """Something of Python's, of an installed package or of ours."""
        self.say("outside", module, name)
        if origin(module) == "installed":
            self.packages.add(module.partition(".")[0])
        if why := reason(module, name):
            self.miss(f"{f'{module}.{name}'.removeprefix('builtins.').strip('.')} {why}")

    def built_in(self, value: Any) -> None:
        """A function written in C, with the object that it is a method of."""
        holder = getattr(value, "__objclass__", None)
        module = getattr(holder or value, "__module__", None) or "builtins"
        self.outside(str(module), value.__name__)
        held = getattr(value, "__self__", None)
        if held is not None and not isinstance(held, ModuleType):
            self.visit(held)

    # -- functions --------------------------------------------------------------------------------

    def function(self, function: FunctionType) -> None:
        """A function: its syntax, and all that it refers to."""
        module = function.__globals__.get("__name__")
        if origin(module) != "user":
            self.of_a_package(function, str(module))
            return
        self.touched = True
        before, home = self.place, self.home
        project = project_of(str(module))
        self.home = project.root if project else home
        try:
            self.text(function)
            self.wrapping(function)
            self.refers(function)
        finally:
            self.place, self.home = before, home

    def of_a_package(self, function: FunctionType, module: str) -> None:
        """A function of somebody else's, with what the user gave it where it is a closure."""
        self.outside(module, function.__qualname__)
        if function.__closure__:
            before, self.lenient = self.lenient, True
            self.wrapping(function)
            self.lenient = before

    def wrapping(self, function: FunctionType) -> None:
        """Defaults, attributes, and the variables of enclosing functions."""
        self.visit(function.__defaults__)
        self.visit(function.__kwdefaults__)
        for name, value in sorted(vars(function).items()):
            if name not in functools.WRAPPER_ASSIGNMENTS:  # copied by functools.wraps
                self.say(name)
                self.visit(value)
        for name, value in _free(function):
            self.say(name)
            if not isinstance(value, ModuleType):
                self.visit(value)

    def text(self, function: FunctionType) -> None:
        """What a function computes, and the files that it names."""
        code = function.__code__
        if not code.co_filename.startswith("<"):
            self.place = f"{_file(code.co_filename)}:{code.co_firstlineno}: "
        try:
            found = functions_of(code)
        except LookupError:
            found = []
        if not found:
            self.miss(f"{function.__qualname__} has no source")
            return
        for node in found:
            self.say(normal_form(node))
        for text in texts(code):
            self.file_called(text)
        hook = _is_hooked(type(self.owner))
        paths = Paths(found[0], _outside(function), self.home, _is_own, self.owner, is_hook=hook)
        for call, line in changes(found[0], paths):
            self.place = f"{_file(code.co_filename)}:{line}: "
            self.miss(f"{call} changes code at run time")
        for opening in openings(found[0], paths):
            self.place = f"{_file(code.co_filename)}:{opening.line}: "
            if opening.path is None:
                self.miss(f"which file {opening.text} reads is not told by the source")
            else:
                self.say("file", content(self.home / opening.path.expanduser()))

    def refers(self, function: FunctionType) -> None:
        """Everything that a function takes from outside itself."""
        free = dict(_free(function))
        file = _file(function.__code__.co_filename)
        for each in references(function.__code__):
            self.place = f"{file}:{each.line}: "
            if each.kind == "import":
                self.imports(each, function)
            elif each.kind == "change":
                self.miss(f"{each.names[0]} is changed at run time")
            elif each.kind == "free":
                if each.names[0] in free:
                    self.follow(free[each.names[0]], each)
            else:
                self.of_globals(each, function)

    def of_globals(self, each: Reference, function: FunctionType) -> None:
        """A global, or something in it."""
        name = each.names[0]
        builtin = _builtins(function)
        self.say(name)
        if name in _PLACES:  # files that are found by it are followed, wherever they lie
            return
        if name in function.__globals__:
            self.follow(function.__globals__[name], each)
        elif name in builtin:
            self.outside("builtins", name)
        elif name not in function.__code__.co_names or each.kind == "global":
            self.say("missing", name)

    def imports(self, each: Reference, function: FunctionType) -> None:
        """An import within a function."""
        name, *taken = each.names
        try:
            module = imported(name, each.level, tuple(taken), function)
        except Exception as error:  # noqa: BLE001 - a module of the user's may raise anything
            self.miss(f"importing {name} failed: {type(error).__name__}: {error}")
            return
        if isinstance(module, str):
            self.outside(module, "")
            for part in taken or sorted(_names(function.__code__)):
                if taken or reason(module, part):
                    self.outside(module, part)
        elif not taken:
            self.visit(module)
        for part in taken if isinstance(module, ModuleType) else ():
            self.say(part)
            self.visit(vars(module).get(part, module))

    def follow(self, value: object, each: Reference) -> None:
        """From a name along its attributes, as far as these lead through modules."""
        rest = list(each.names[1:])
        while isinstance(value, ModuleType) and rest:
            if each.kind == "attribute" and len(rest) == 1:
                break
            name, *rest = rest
            if origin(value.__name__) == "user" and name not in vars(value):
                self.miss(f"{value.__name__}.{name} is not there when the study is loaded")
                return
            found = getattr(value, name, None)
            if origin(value.__name__) != "user":
                self.outside(value.__name__, name)
                if not isinstance(found, ModuleType):
                    return
            value = found
        if each.kind == "attribute" and isinstance(value, ModuleType | type):
            self.miss(f"{'.'.join(each.names)} is changed at run time")
        self.visit(value)

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
        cls, before = type(value), self.owner
        whose = origin(cls.__module__)
        if whose == "user" or (whose == "ours" and is_dataclass(cls)):
            self.owner = value if _is_hooked(cls) or whose == "user" else before
            self.visit(cls)
            self.owner = before
            self.state(value)
            return
        try:
            parts = value.__reduce_ex__(4)
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
            if name in _RUNS:
                continue
            whole = isinstance(inner, float) and inner.is_integer()
            self.say(name)
            self.visit(int(inner) if whole else inner)
        kinds: tuple[Any, ...] = (dict, list, tuple, set, str, int, float)
        for kind in kinds:
            if isinstance(value, kind) and type(value) is not kind:
                self.visit(kind(value))

    def file_called(self, text: str) -> None:
        """The content of a file, where a text names one."""
        if not 0 < len(text) < 256 or "\n" in text or "\0" in text:
            return
        try:
            path = self.home / Path(text).expanduser()
            if path.is_file():
                self.say("file", content(path))
        except (OSError, RuntimeError):
            return


def _is_hooked(cls: type) -> bool:
    return any(origin(base.__module__) == "ours" for base in cls.__mro__)


def _is_own(meant: object) -> bool:
    return origin(getattr(meant, "__module__", None) or "builtins") == "user"


def _outside(function: FunctionType) -> Callable[[str], object]:
    free, builtin = dict(_free(function)), _builtins(function)

    def meaning(name: str) -> object:
        for names in (free, function.__globals__, builtin):
            if name in names:
                return names[name]
        raise Unknown

    return meaning


def _builtins(function: FunctionType) -> dict[str, object]:
    found = function.__globals__.get("__builtins__", {})
    return found if isinstance(found, dict) else vars(found)


def _free(function: FunctionType) -> Iterator[tuple[str, object]]:
    """Variables of enclosing functions that have a value by now."""
    names, cells = function.__code__.co_freevars, function.__closure__ or ()
    for name, cell in zip(names, cells, strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue


def _file(path: str) -> str:
    """A file as messages call it."""
    return Path(path).name


def _has_no_file(value: object) -> bool:
    return not isinstance(value, FunctionType) or value.__code__.co_filename.startswith("<")


def _names(code: CodeType) -> set[str]:
    inner = [_names(each) for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*inner)


def _slots(cls: type) -> tuple[str, ...]:
    named = vars(cls).get("__slots__", ())
    given = (named,) if isinstance(named, str) else tuple(named)
    return tuple(s for s in given if s not in ("__dict__", "__weakref__"))
