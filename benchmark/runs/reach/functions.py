"""What functions refer to, and the files that they open, on a walk over a user's code."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from benchmark.runs.reach.dynamic import attributes, is_dynamic, reason
from benchmark.runs.reach.files import content
from benchmark.runs.reach.modules import imported
from benchmark.runs.reach.named import is_data, named
from benchmark.runs.reach.names import Reference, references, texts
from benchmark.runs.reach.opened import changes, openings
from benchmark.runs.reach.origin import origin
from benchmark.runs.reach.paths import Paths, Unknown
from benchmark.runs.reach.syntax import FunctionNode, functions_of, normal_form
from benchmark.user_code.project import in_words_of_the_user, project_of, wherever_it_lies

#: Globals that say where a module lies and how it was loaded.
_PLACES = frozenset(("__file__", "__name__", "__package__", "__spec__", "__path__", "__loader__"))


class Functions:
    """The part of a walk that follows functions; values are followed by what is built on it.

    Attributes:
        digest: of everything that was met.
        touched: whether anything of the user's was.
        unfollowed: what cannot be followed, each with its place.
        packages: installed packages that were met.
        owner: the instance whose methods are looked at.
        home: the folder that relative paths count from.
        place: where the walk is, for messages.
        lenient: whether it is in somebody else's wrapper, whose own state does not matter.
    """

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
        self.digest.update(wherever_it_lies(repr(what)).encode("utf-8", "surrogatepass") + b"\0")

    def miss(self, what: str) -> None:
        """Name something that cannot be followed."""
        self.say("unfollowed", what)
        if not self.lenient:
            self.unfollowed.append(in_words_of_the_user(f"{self.place}{what}"))

    def visit(self, value: object) -> None:
        """Follow one value."""
        raise NotImplementedError

    def outside(self, module: str, name: str) -> None:
        """Something of Python's, of an installed package or of ours."""
        self.say("outside", module, name)
        if origin(module) == "installed":
            self.packages.add(module.partition(".")[0])
        if why := reason(module, name):
            self.miss(f"{f'{module}.{name}'.removeprefix('builtins.').strip('.')} {why}")

    def function(self, function: FunctionType) -> None:
        """A function: its syntax, and all that it refers to."""
        module = function.__globals__.get("__name__")
        if origin(module) != "user":
            self.of_a_package(function, str(module))
            return
        self.touched = True
        before, home, owner, lenient = self.place, self.home, self.owner, self.lenient
        self.lenient = False
        project = project_of(str(module))
        self.home = project.root if project else home
        try:
            self.text(function)
            self.wrapping(function)
            self.refers(function)
        finally:
            self.place, self.home, self.owner, self.lenient = before, home, owner, lenient

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
        for name in attributes((*_names(code), *texts(code))):
            self.miss(f"what {name} holds is read")
        within = _folders(function, self.home)
        for text in texts(code):
            self.file_called(text, *within)
        for node in found:
            self.files(node, function)

    def files(self, node: FunctionNode, function: FunctionType) -> None:
        """The files that a function names, and the code that it changes."""
        file = _file(function.__code__.co_filename)
        hook = _is_hooked(type(self.owner))
        paths = Paths(node, _outside(function), self.home, _is_own, self.owner, is_hook=hook)
        for call, line in changes(node, paths):
            self.place = f"{file}:{line}: "
            self.miss(f"{call} changes code at run time")
        for opening in openings(node, paths):
            self.place = f"{file}:{opening.line}: "
            if opening.path is None:
                self.miss(f"which file {opening.text} reads is not told by the source")
            else:
                self.say("file", content(self.home / opening.path.expanduser()))
        for path in dict.fromkeys(named(node, paths)):
            if str(path) != function.__code__.co_filename:
                self.file_called(path)

    def refers(self, function: FunctionType) -> None:
        """Everything that a function takes from outside itself."""
        self.owner = None  # the functions that a method calls are none of its object's
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
            code = function.__code__
            for part in taken or sorted({*_names(code), *texts(code)}):
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
        if isinstance(value, ModuleType) and is_dynamic(value.__name__):
            self.miss(f"{value.__name__} as a whole reaches code that the source does not name")
        if each.kind == "attribute" and isinstance(value, ModuleType | type):
            self.miss(f"{'.'.join(each.names)} is changed at run time")
        self.visit(value)

    def file_called(self, name: str | Path, *within: Path) -> None:
        """The content of a file, or of a folder that a path leads to.

        Args:
            name: a text, which need not name anything, or a path.
            within: folders that it may count from, beside the study's own.
        """
        text = str(name)
        if not 0 < len(text) < 4096 or "\n" in text or "\0" in text:
            return
        for folder in (self.home, *within):
            try:
                path = folder / Path(text).expanduser()
                is_folder = isinstance(name, Path) and path.is_dir() and is_data(path, self.home)
                if is_folder or path.is_file():
                    self.say("file", content(path))
                    return
            except (OSError, RuntimeError):
                return


def _folders(function: FunctionType, home: Path) -> list[Path]:
    """Folders of packages and modules that a function names, and of its own."""
    code = function.__code__
    held = [function.__globals__.get(name) for name in code.co_names]
    modules = [each for each in held if isinstance(each, ModuleType) and _is_own_module(each)]
    named = [home / text.replace(".", "/") for text in texts(code) if _is_dotted(text)]
    files = [code.co_filename, *(str(getattr(each, "__file__", None) or "") for each in modules)]
    beside = [Path(file).parent for file in files if file and not file.startswith("<")]
    return list(
        dict.fromkeys((*beside, *(each for each in named if (each / "__init__.py").is_file())))
    )


def _is_own_module(module: ModuleType) -> bool:
    return origin(module.__name__) == "user"


def _is_dotted(text: str) -> bool:
    return len(text) < 256 and all(part.isidentifier() for part in text.split("."))


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


def _names(code: CodeType) -> set[str]:
    inner = [_names(each) for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*inner)
