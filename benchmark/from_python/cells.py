"""Of the cells of a notebook, the statements that make a study."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Statements after which a name is what they say, whatever it was before.
_COMPLETE = (
    *(ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
)


@dataclass(frozen=True)
class CellPart:
    """Statements of a cell that share their lines, mostly one.

    Attributes:
        text: their lines.
        binds: names that have another value afterwards.
        uses: names of the notebook that they read, now or in functions that they declare.
        changes: names of what they change in place, as `arms` in `arms.append(arm)`.
        complete: whether what the names were before does not matter.
        imports_all: whether one is `from … import *`.
    """

    text: str
    binds: frozenset[str]
    uses: frozenset[str]
    changes: frozenset[str]
    complete: bool
    imports_all: bool


def parts_for(name: str, cells: Sequence[str]) -> list[CellPart]:
    """The statements that a name needs, in the order in which they were executed.

    Of a name that was bound several times the last binding counts, and the last one before it is
    read, as where a cell of imports was executed again. A cell that is no Python is
    passed over: it did not run either.

    Args:
        name: that the notebook binds.
        cells: sources of the cells that were executed, in their order, magics taken out.
    """
    parts = [part for cell in cells for part in _parts(cell)]
    known = {each for part in parts for each in part.binds}
    taken: set[int] = set()
    looked_at: set[tuple[str, int]] = set()
    waiting = [(name, len(parts))]
    while waiting:
        wanted, before = waiting.pop()
        if (wanted, before) in looked_at:
            continue
        looked_at.add((wanted, before))
        # What a statement reads it reads at once, and what a function reads when it is called.
        found = {*_binding(wanted, parts[:before]), *_binding(wanted, parts)}
        if wanted not in known:
            is_python = hasattr(builtins, wanted)
            found = {i for i, part in enumerate(parts) if part.imports_all and not is_python}
        waiting += [(each, i) for i in found - taken for each in parts[i].uses]
        taken |= found
    return [parts[i] for i in sorted(taken)]


def module_of(parts: Sequence[CellPart], name: str, heading: str) -> str:
    """A study file of such statements.

    Args:
        parts: in their order.
        name: of the study among what they bind.
        heading: what stands above them.
    """
    texts = [part.text for part in parts] + ([] if name == "study" else [f"study = {name}"])
    lines = [f'"""{heading}"""']
    for text in texts:
        apart = "\n" in text or "\n" in lines[-1] or len(lines) == 1
        lines += ["", text] if apart else [text]
    return "\n".join(lines) + "\n"


def _binding(name: str, parts: Sequence[CellPart]) -> Iterator[int]:
    """What gave a name its last value: the binding, and what has changed it since."""
    for i in reversed(range(len(parts))):
        part = parts[i]
        if name in part.binds or name in part.changes:
            yield i
        if name in part.binds and part.complete and name not in part.uses:
            return


def _parts(cell: str) -> Iterator[CellPart]:
    try:
        statements = ast.parse(cell).body
    except (SyntaxError, ValueError):
        return
    lines = cell.splitlines()
    grouped: list[list[ast.stmt]] = []
    for each in statements:
        if grouped and _first(each) <= (grouped[-1][-1].end_lineno or 0):
            grouped[-1].append(each)
        else:
            grouped.append([each])
    for group in grouped:
        yield _part(group, "\n".join(lines[_first(group[0]) - 1 : group[-1].end_lineno]))


def _first(statement: ast.stmt) -> int:
    """The line on which it begins, with its decorators."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return min([statement.lineno, *(each.lineno for each in statement.decorator_list)])
    return statement.lineno


def _part(group: Sequence[ast.stmt], text: str) -> CellPart:
    table = symtable.symtable(text, "<cell>", "exec")
    own = table.get_symbols()
    is_declared = all(isinstance(each, ast.FunctionDef | ast.ClassDef) for each in group)
    binds = {s.get_name() for s in own if s.is_assigned() or s.is_imported()}
    uses = {s.get_name() for s in own if s.is_referenced()} | set(_globals(table))
    added = {name for each in _within(group) for name in _added_to(each)}
    return CellPart(
        text=text,
        binds=frozenset(binds),
        uses=frozenset(uses - binds if is_declared else uses | added),
        changes=frozenset(_changed(group)),
        complete=all(isinstance(each, _COMPLETE) for each in group),
        imports_all=any(
            isinstance(each, ast.ImportFrom) and each.names[0].name == "*" for each in group
        ),
    )


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    """Names that functions and classes take from their module."""
    for inner in table.get_children():
        yield from (s.get_name() for s in inner.get_symbols() if s.is_global())
        yield from _globals(inner)


def _added_to(node: ast.stmt) -> Iterator[str]:
    """The name of what `name += …` reads before it binds it."""
    match node:
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name


def _within(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that are executed with these: not those of functions and classes."""
    for each in statements:
        yield each
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for node in ast.iter_child_nodes(each):
            if isinstance(node, ast.stmt):
                yield from _within([node])
            elif isinstance(node, ast.ExceptHandler | ast.match_case):
                yield from _within(node.body)


def _changed(statements: Sequence[ast.stmt]) -> Iterator[str]:
    """Names of what is changed in place."""
    for each in _within(statements):
        match each:
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                yield from filter(None, map(_inside_of, targets))
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                yield from filter(None, [_inside_of(target)])
            case ast.Expr(value=ast.Call(func=func)):
                yield from filter(None, [_inside_of(func)])


def _inside_of(node: ast.expr) -> str:
    """Of `name.part` or `name[part]`, the name; empty for others."""
    inner = node
    while isinstance(inner, ast.Attribute | ast.Subscript):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) and inner is not node else ""
