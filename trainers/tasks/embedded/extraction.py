"""Docstrings of installed packages, read from syntax trees; nothing is imported or executed."""

from __future__ import annotations

import ast
import gc
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

from trainers.tasks.embedded import installed
from trainers.tasks.embedded.prose import Masking, paragraphs

Kind = Literal["function", "method", "class", "module", "other"]

#: Calls that attach a docstring to an object made in C: `add_newdoc("numpy", "abs", "…")`.
ATTACHING = frozenset(("add_newdoc", "add_docstr", "_add_docstr"))


class Document(NamedTuple):
    """One docstring: where it stands, what it describes, and its paragraphs of prose, masked."""

    module: str
    kind: Kind
    paragraphs: list[str]


def documents(packages: Sequence[str], masking: Masking) -> list[Document]:
    """Every docstring of the packages that has prose in it, in a fixed order."""
    found = []
    with _without_cyclic_collection():
        for package in packages:
            for module, path in installed.modules(package):
                for kind, text in docstrings(path.read_bytes()):
                    if prose := [masking.mask(paragraph) for paragraph in paragraphs(text)]:
                        found.append(Document(module, kind, prose))
    return found


def docstrings(source: bytes) -> Iterator[tuple[Kind, str]]:
    """Kind and dedented text of every docstring of a file, in the order of the file.

    Definitions inside functions are left out. The kind is "other" for docstrings that the file
    attaches to objects defined elsewhere. A file that this Python cannot parse has none.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # newer syntax, templates; null bytes
        return
    if text := ast.get_docstring(tree):
        yield "module", text
    yield from _of_body(tree.body, inside_class=False)


def _of_body(body: Sequence[ast.stmt], inside_class: bool) -> Iterator[tuple[Kind, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if text := ast.get_docstring(node):
                yield ("method" if inside_class else "function"), text
        elif isinstance(node, ast.ClassDef):
            if text := ast.get_docstring(node):
                yield "class", text
            yield from _of_body(node.body, inside_class=True)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for branch in ("body", "orelse", "finalbody"):
                yield from _of_body(getattr(node, branch, []), inside_class)
        elif isinstance(node, ast.Expr) and (text := _attached(node.value)):
            yield "other", text


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


@contextmanager
def _without_cyclic_collection() -> Iterator[None]:
    """Syntax trees have no cycles; looking for them took a third of the extraction's time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
