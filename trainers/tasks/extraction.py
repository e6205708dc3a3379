"""Docstrings of a source file, read from its syntax tree; nothing is imported or executed."""

import ast
import inspect
from collections.abc import Iterator, Sequence
from typing import Literal

Kind = Literal["function", "method", "class", "module", "other"]

#: Calls that attach a docstring to an object made in C: ``add_newdoc("numpy", "abs", "…")``.
ATTACHING = frozenset(("add_newdoc", "add_docstr", "_add_docstr", "add_newdocs"))


def docstrings(source: bytes) -> Iterator[tuple[Kind, str]]:
    """Kind and dedented text of every docstring of a file, in the order of the file.

    Definitions inside functions are left out. The kind is "other" for docstrings that the file
    attaches to objects defined elsewhere. A file that does not parse has none.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # templates, and null bytes
        return
    text = _docstring(tree)
    if text:
        yield "module", text
    yield from _of_body(tree.body, inside_class=False)


def _of_body(body: Sequence[ast.stmt], inside_class: bool) -> Iterator[tuple[Kind, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if text := _docstring(node):
                yield ("method" if inside_class else "function"), text
        elif isinstance(node, ast.ClassDef):
            if text := _docstring(node):
                yield "class", text
            yield from _of_body(node.body, inside_class=True)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for branch in ("body", "orelse", "finalbody"):
                yield from _of_body(getattr(node, branch, []), inside_class)
        elif isinstance(node, ast.Expr) and (text := _attached(node.value)):
            yield "other", text


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return ast.get_docstring(node) or ""


def _attached(call: ast.expr) -> str:
    """The docstring that a call attaches: the longest text among its arguments."""
    if not isinstance(call, ast.Call):
        return ""
    if getattr(call.func, "attr", getattr(call.func, "id", "")) not in ATTACHING:
        return ""
    texts = [
        node.value
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return inspect.cleandoc(max(texts, key=len, default=""))
