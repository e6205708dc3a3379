"""The source of a function as it runs: without comments, docstrings, layout and type hints."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import CodeType

from benchmark.user_code.project import source_of

#: Fields of the syntax tree that say nothing about what is computed.
_SILENT = frozenset(("ctx", "kind", "type_comment", "returns", "type_params"))
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def functions_of(code: CodeType) -> Sequence[FunctionNode]:
    """The function that a code object was compiled from; several where they share a line.

    Raises:
        LookupError: its source is not there.
    """
    try:
        found = _functions(source_of(code.co_filename))
    except (OSError, SyntaxError, ValueError) as error:
        raise LookupError(code.co_filename) from error
    return found[code.co_firstlineno, code.co_name]


def normal_form(node: ast.AST) -> str:
    """A text that is the same for two sources exactly where they compute the same in the same way.

    >>> a = ast.parse("def f(x: int):\\n    'Doubles.'\\n    return (2 *  x)  # twice")
    >>> b = ast.parse("def f(x): return 2*x")
    >>> normal_form(a) == normal_form(b)
    True
    """
    return "".join(_told(node, in_class=False))


def _told(value: object, in_class: bool) -> Iterator[str]:
    if isinstance(value, ast.AnnAssign) and not in_class and value.value is not None:
        value = ast.Assign([value.target], value.value)
    if isinstance(value, ast.AST):
        yield f"{type(value).__name__}("
        own = isinstance(value, ast.ClassDef)
        for name, inner in ast.iter_fields(value):
            hint = name == "annotation" and not in_class
            if name not in _SILENT and not hint:
                yield f"{name}="
                said = _statements(inner, own) if name == "body" else inner
                yield from _told(said, own)
        yield ")"
    elif isinstance(value, list):
        yield "["
        for each in value:
            yield from _told(each, in_class)
            yield ","
        yield "]"
    else:
        yield f"{type(value).__name__} {value!r}"


def _statements(body: object, in_class: bool) -> object:
    """A body without what does nothing: docstrings, bare constants, `pass`, hints."""
    if not isinstance(body, list):
        return body
    kept = [each for each in body if not _is_idle(each, in_class)]
    return kept or [ast.Pass()]


def _is_idle(node: ast.stmt, in_class: bool) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.AnnAssign):
        return node.value is None and not in_class
    return isinstance(node, ast.Pass)


@lru_cache(maxsize=256)
def _functions(source: bytes) -> defaultdict[tuple[int, str], list[FunctionNode]]:
    found: defaultdict[tuple[int, str], list[FunctionNode]] = defaultdict(list)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            line = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[line, node.name].append(node)
        elif isinstance(node, ast.Lambda):
            found[node.lineno, "<lambda>"].append(node)
    return found
