"""The names that compiled code takes from outside itself."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Literal


@dataclass(frozen=True)
class Reference:
    """Something that code takes from outside, or changes there.

    Attributes:
        kind: a "global", a "free" variable of an enclosing function, an "import", a "change" of a
            global, or "attribute", the change of an attribute of a global.
        names: the name, then the attributes that are taken of it one after the other; of an import
            the module and what is taken from it.
        line: where.
        level: of an import: how many packages up it begins.
    """

    kind: Literal["global", "free", "import", "change", "attribute"]
    names: tuple[str, ...]
    line: int
    level: int = 0


_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")
_FREE = ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")
_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD")
_NOTHING = ("PUSH_NULL", "NOP", "EXTENDED_ARG", "CACHE", "PRECALL")


def references(code: CodeType) -> Iterator[Reference]:
    """Everything that a code object and those within it take from outside.

    >>> def loss(x): return helpers.scale.factor * x
    >>> [r.names for r in references(loss.__code__)]
    [('helpers', 'scale', 'factor')]
    """
    line, open_chain = code.co_firstlineno, None
    constants: list[object] = []
    for at in dis.get_instructions(code):
        line = at.positions.lineno if at.positions and at.positions.lineno else line
        name = str(at.argval)
        if open_chain and at.opname in _ATTRIBUTE:
            open_chain = Reference(open_chain.kind, (*open_chain.names, name), open_chain.line)
            continue
        if open_chain and at.opname in _NOTHING:
            continue
        if open_chain and at.opname in ("STORE_ATTR", "DELETE_ATTR"):
            yield Reference("attribute", (*open_chain.names, name), line)
        elif open_chain:
            yield open_chain
        open_chain = None
        if at.opname in (*_GLOBAL, "LOAD_FROM_DICT_OR_GLOBALS"):
            open_chain = Reference("global", (name,), line)
        elif at.opname in _FREE:
            open_chain = Reference("free", (name,), line)
        elif at.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            yield Reference("change", (name,), line)
        elif at.opname == "IMPORT_NAME":
            level, taken = constants[-2:]
            names = taken if isinstance(taken, tuple) else ()
            yield Reference("import", (name, *names), line, level if isinstance(level, int) else 0)
        elif at.opname in ("LOAD_CONST", "LOAD_SMALL_INT"):
            constants.append(at.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from references(inner)


def texts(code: CodeType) -> Iterator[str]:
    """Every text that stands in the code, docstrings too."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from texts(constant)
        for each in constant if isinstance(constant, tuple | frozenset) else (constant,):
            if isinstance(each, str):
                yield each
