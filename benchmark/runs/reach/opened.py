"""Files that a function opens, as far as its source alone tells which they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from benchmark.runs.reach.paths import ELSEWHERE, OPENED, Paths, Unknown
from benchmark.runs.reach.syntax import FunctionNode

#: Functions of packages, by their last name, that read the file or folder they are given.
_READERS = frozenset(
    (
        *("open", "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "imread", "open_dataset"),
        *("load_file", "safe_open", "ZipFile", "TarFile", "is_zipfile", "connect", "File"),
        *("listdir", "scandir", "walk", "glob", "iglob", "copy", "copyfile", "open_file"),
        *("load_dataset", "load_from_disk", "from_pretrained", "from_file", "run_path"),
    )
)
#: Modules whose `load` takes what something else has opened.
_OF_OPEN_FILES = ("json", "pickle", "tomllib", "marshal", "yaml", "csv", "copy", "_pickle")
#: Methods of a path, and those of them that nothing else is likely to have.
_OF_PATHS = frozenset(("open", "read_text", "read_bytes", "iterdir", "glob", "rglob", "walk"))
_OF_PATHS_ALONE = _OF_PATHS - {"glob", "walk"}
#: What the first argument of a reader is called.
_KEYWORDS = frozenset(
    (
        *("file", "path", "filename", "filepath", "filepath_or_buffer", "path_or_buf", "fname"),
        *("f", "io", "source", "name", "pretrained_model_name_or_path", "pathname"),
    )
)


@dataclass(frozen=True)
class Opening:
    """A place where a file or folder is read.

    Attributes:
        path: which; None where the source does not tell.
        line: of the source.
        text: the call, as it is written.
    """

    path: Path | None
    line: int
    text: str


def openings(function: FunctionNode, paths: Paths) -> Iterator[Opening]:
    """Every reading of a file or folder in a function.

    Args:
        function: its syntax.
        paths: what names in it mean.
    """
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            for asked in _asked(node, paths):
                for found in _places(asked, paths):
                    if found is not ELSEWHERE and found is not OPENED:
                        path = found if isinstance(found, Path) else None
                        yield Opening(path, node.lineno, ast.unparse(node))


def changes(function: FunctionNode, paths: Paths) -> Iterator[tuple[str, int]]:
    """Calls that set an attribute of a module or a class of the user's, with their lines."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[changed, *_]):
                try:
                    what = paths.value(changed)
                except Unknown:
                    continue
                if isinstance(what, ModuleType | type):
                    yield ast.unparse(node), node.lineno


def _asked(call: ast.Call, paths: Paths) -> Iterator[ast.expr]:
    """The path that a call reads, if it reads one."""
    if isinstance(call.func, ast.Attribute) and _is_path(call.func, paths):
        if not _writes(call, 0):
            yield call.func.value
    elif _reads(call.func, paths) and not _writes(call, 1):
        named = [k.value for k in call.keywords if k.arg in _KEYWORDS]
        yield from call.args[:1] or named[:1]


def _is_path(method: ast.Attribute, paths: Paths) -> bool:
    """Whether it is a method of a path that reads."""
    if method.attr not in _OF_PATHS:
        return False
    try:
        receivers = paths.values(method.value)
    except Unknown:
        return method.attr in _OF_PATHS_ALONE
    return any(isinstance(each, Path) or each is ELSEWHERE for each in receivers)


def _reads(function: ast.expr, paths: Paths) -> bool:
    """Whether it is a reader of some package; the user's own functions are followed."""
    try:
        meant = paths.value(function)
    except Unknown:
        return False
    name = getattr(meant, "__name__", "")
    module = getattr(meant, "__module__", None) or ""
    if not callable(meant) or paths.is_own(meant) or module.partition(".")[0] in _OF_OPEN_FILES:
        return False
    return name in _READERS or name.startswith("read_")


def only_writes(call: ast.Call, of_path: bool) -> bool:
    """Whether something is opened by a call so that nothing of it is read.

    Args:
        call: any.
        of_path: whether it is a call of a method of a path.
    """
    match call.func:
        case ast.Attribute(attr="open") | ast.Name(id="open"):
            return _writes(call, 0 if of_path else 1)
    return False


def _writes(call: ast.Call, place: int) -> bool:
    """Whether the mode of a call of `open` says that nothing is read."""
    given = [*call.args[place : place + 1], *(k.value for k in call.keywords if k.arg == "mode")]
    modes = [each.value for each in given if isinstance(each, ast.Constant)]
    return any(isinstance(m, str) and m[:1] in "wxa" and "+" not in m for m in modes if m)


def _places(asked: ast.expr, paths: Paths) -> list[object]:
    try:
        found = paths.values(asked)
    except Unknown:
        return [None]
    return [Path(each) if isinstance(each, str | Path) else each for each in found]
