"""What an expression for a path comes to, where its source tells without running it."""

from __future__ import annotations

import ast
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import getattr_static
from io import BytesIO, StringIO
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any

from benchmark.runs.reach.syntax import FunctionNode


class Unknown(Exception):  # noqa: N818 - it is no error: the value depends on a run
    """What an expression comes to is not told by the source."""


class Several(Unknown):
    """An expression comes to something else for each constant that a loop goes over."""

    def __init__(self, name: str, constants: tuple[Any, ...]) -> None:
        super().__init__(name)
        self.name, self.constants = name, constants


#: A path followed elsewhere, or of the run: what a folder lists, the prepared folder.
ELSEWHERE = object()
#: An open file. It is followed itself; what is read from it may name any other.
OPENED = object()
_MOST = 10_000
_PATH_METHODS = frozenset(
    ("resolve", "absolute", "joinpath", "with_suffix", "with_name", "with_stem", "expanduser")
)
_LISTINGS = frozenset(("iterdir", "glob", "rglob"))
_TEXT_METHODS = frozenset(("format", "join", "strip", "replace", "lower", "upper", "removesuffix"))
_PURE: tuple[Any, ...] = (
    *(os.path.join, os.path.dirname, os.path.abspath, os.path.realpath, os.path.basename),
    *(os.path.normpath, os.path.expanduser, os.fspath, str),
)
_PARTS: tuple[Any, ...] = (os.path.dirname, os.path.basename)
_ORDERS: tuple[Any, ...] = (sorted, list, tuple, reversed)
_IN_MEMORY = (BytesIO, StringIO)


@dataclass
class Paths:
    """What names in a function mean.

    Attributes:
        function: its syntax.
        outside: what a name means that is none of the function's own.
        home: the folder that relative paths count from.
        is_own: whether a thing is of the user's own code.
        owner: the instance whose method it is, if it is known.
        is_hook: whether it is a method that is given the run's own folder.
    """

    function: FunctionNode
    outside: Callable[[str], object]
    home: Path
    is_own: Callable[[object], bool]
    owner: object = None
    is_hook: bool = False
    _at_work: set[str] = field(default_factory=set)
    _chosen: dict[str, Any] = field(default_factory=dict)

    def value(self, node: ast.expr) -> Any:
        """The value of an expression.

        Raises:
            Unknown: it depends on a run.
        """
        evaluate = getattr(self, f"_{type(node).__name__.lower()}", None)
        if evaluate is None:
            raise Unknown
        try:
            return evaluate(node)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise Unknown from error

    def values(self, node: ast.expr) -> list[Any]:
        """Every value of an expression, of which loops over constants may make several.

        Raises:
            Unknown: they depend on a run, or are too many to be followed.
        """
        try:
            return [self.value(node)]
        except Several as loop:
            found: list[Any] = []
            for each in loop.constants:
                self._chosen[loop.name] = each
                try:
                    found += self.values(node)
                finally:
                    del self._chosen[loop.name]
                if len(found) > _MOST:
                    raise Unknown from loop
            return found

    def is_known(self, name: str) -> bool:
        """Whether a local is given one value, which is told wherever the local is used."""
        return self._assigned.get(name) is not None and name not in self._looped

    @cached_property
    def _parameters(self) -> list[str]:
        given = self.function.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        return [each.arg for each in every if each is not None]

    @cached_property
    def _assigned(self) -> Mapping[str, ast.expr | None]:
        """By name, what a local is given; None where it is given several things."""
        found: list[tuple[str, ast.expr | None]] = []
        for node in ast.walk(self.function):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    found.append((name, value))
                case ast.AnnAssign(target=ast.Name(id=name), value=value):
                    found.append((name, value))
                case ast.NamedExpr(target=ast.Name(id=name), value=value):
                    found.append((name, value))
                case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                    found.append((name, value))
                case (
                    ast.For(target=target, iter=value)
                    | ast.comprehension(target=target, iter=value)
                ):
                    found += [(n.id, value) for n in ast.walk(target) if isinstance(n, ast.Name)]
                case ast.Name(id=name, ctx=ast.Store()):
                    found.append((name, None))
        stored = Counter(name for name, value in found if value is None)
        given = {name: value for name, value in found if value is not None}
        return {name: given.get(name) if n == 1 else None for name, n in stored.items()}

    @cached_property
    def _imported(self) -> Mapping[str, tuple[str, str | None]]:
        """By name, the module that it is imported from, and what of it; the module if None."""
        found: dict[str, tuple[str, str | None]] = {}
        for node in ast.walk(self.function):
            if isinstance(node, ast.Import):
                for each in node.names:
                    whole = each.name if each.asname else each.name.partition(".")[0]
                    found[each.asname or whole] = (whole, None)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found |= {e.asname or e.name: (node.module, e.name) for e in node.names}
        return found

    @cached_property
    def _looped(self) -> set[str]:
        loops = [n for n in ast.walk(self.function) if isinstance(n, ast.For | ast.comprehension)]
        return {n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)}

    @cached_property
    def _unpacked(self) -> set[str]:
        """Names of loops that are given parts of what the loop goes over."""
        loops = [n for n in ast.walk(self.function) if isinstance(n, ast.For | ast.comprehension)]
        targets = [loop.target for loop in loops if not isinstance(loop.target, ast.Name)]
        return {n.id for each in targets for n in ast.walk(each) if isinstance(n, ast.Name)}

    def _name(self, node: ast.Name) -> Any:
        name = node.id
        if name in self._parameters:
            if name == self._parameters[0] and self.owner is not None:
                return self.owner
            if name == "folder" and self.is_hook:
                return ELSEWHERE
            raise Unknown
        if name in self._assigned:
            return self._local(name)
        if name in self._imported:
            return _taken(*self._imported[name])
        return self.outside(name)

    def _local(self, name: str) -> Any:
        given = self._assigned[name]
        if name in self._chosen:
            return self._chosen[name]
        if given is None or name in self._at_work:
            raise Unknown
        self._at_work.add(name)
        try:
            found = self.value(given)
        finally:
            self._at_work.discard(name)
        if name not in self._looped:
            return found
        if found is ELSEWHERE:  # a folder that is listed
            return ELSEWHERE
        constant = isinstance(found, tuple | list) and all(isinstance(f, str | Path) for f in found)
        if constant and name not in self._unpacked:
            raise Several(name, tuple(found))
        raise Unknown

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _tuple(self, node: ast.Tuple | ast.List) -> Any:
        return tuple(self.value(each) for each in node.elts)

    _list = _tuple

    def _attribute(self, node: ast.Attribute) -> Any:
        base = self.value(node.value)
        if isinstance(base, ModuleType):
            return getattr(base, node.attr)
        if isinstance(base, PurePath | str | type):
            return getattr(base, node.attr)
        if base is ELSEWHERE and node.attr not in ("parent", "parents"):
            return ELSEWHERE
        if base in (ELSEWHERE, OPENED):
            raise Unknown
        found = getattr_static(base, node.attr)
        if not isinstance(found, str | PurePath | tuple | list | dict):
            raise Unknown
        return found

    def _subscript(self, node: ast.Subscript) -> Any:
        return self.value(node.value)[self.value(node.slice)]

    def _joinedstr(self, node: ast.JoinedStr) -> Any:
        first, *others = [self.value(each) for each in node.values] or [""]
        if OPENED in (first, *others) or ELSEWHERE in others:
            raise Unknown
        return ELSEWHERE if first is ELSEWHERE else "".join(map(str, (first, *others)))

    def _formattedvalue(self, node: ast.FormattedValue) -> Any:
        if node.format_spec is not None or node.conversion != -1:
            raise Unknown
        return self.value(node.value)

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if OPENED in (left, right) or (right is ELSEWHERE and not isinstance(left, PurePath)):
            raise Unknown
        if left is ELSEWHERE or right is ELSEWHERE:  # a folder is followed where it is named
            return ELSEWHERE
        if isinstance(node.op, ast.Div):
            return left / right
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            return left % right
        raise Unknown

    def _call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value)
            if base is ELSEWHERE and node.func.attr in (*_PATH_METHODS, *_LISTINGS):
                return ELSEWHERE
            if base is ELSEWHERE and node.func.attr == "open":
                return OPENED
            if base in (ELSEWHERE, OPENED):
                raise Unknown
            if isinstance(base, PurePath):
                return self._of_path(base, node)
            if isinstance(base, str) and node.func.attr in _TEXT_METHODS:
                return getattr(base, node.func.attr)(*self._arguments(node))
        called = self.value(node.func)
        if called in (open, *_IN_MEMORY):
            return OPENED
        if called in (Path.cwd, os.getcwd) and not node.args:
            return self.home
        if called in _ORDERS and len(node.args) == 1:
            inner = self.value(node.args[0])
            return inner if inner is ELSEWHERE else tuple(called(inner))
        is_path = isinstance(called, type) and issubclass(called, PurePath)
        if not (is_path or called in _PURE) or node.keywords:
            raise Unknown
        arguments = self._arguments(node)
        if ELSEWHERE not in arguments:
            return called(*arguments)
        if called in _PARTS:
            raise Unknown
        return ELSEWHERE

    def _of_path(self, path: PurePath, node: ast.Call) -> Any:
        assert isinstance(node.func, ast.Attribute)
        name = node.func.attr
        if name in _LISTINGS:
            return ELSEWHERE  # the call itself is seen, with the whole of what it reads
        if name == "open":
            return OPENED
        if name not in _PATH_METHODS:
            raise Unknown
        rooted = Path(self.home / path) if name in ("resolve", "absolute") else path
        return getattr(rooted, name)(*self._arguments(node))

    def _arguments(self, node: ast.Call) -> list[Any]:
        given = [self.value(each) for each in node.args]
        if OPENED in given:
            raise Unknown
        return given


def _taken(module: str, name: str | None) -> Any:
    """What an import within a function gives; the user's own modules are followed by the walk."""
    if module not in sys.modules:
        raise Unknown
    found = sys.modules[module]
    return found if name is None else getattr(found, name)
