"""Files and folders that the expressions of a function name, whoever reads them.

What reads a file need not look like a reader: a class may, or a function that is handed to `map`.
So every path that the source tells is taken, except where it is visibly only written to.
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmark.runs.reach.opened import only_writes
from benchmark.runs.reach.paths import Paths, Unknown
from benchmark.runs.reach.syntax import FunctionNode

#: Methods of a path, and functions that are given one, that leave something there.
_WRITERS = frozenset(
    (
        *("mkdir", "makedirs", "write_text", "write_bytes", "touch", "unlink", "rmtree", "remove"),
        *("save", "savetxt", "savez", "savez_compressed", "savefig", "save_file", "tofile", "dump"),
        *("to_csv", "to_json", "to_parquet", "to_pickle", "write_table", "save_pretrained"),
    )
)


def named(function: FunctionNode, paths: Paths) -> Iterator[Path]:
    """Every path that stands in a function as a whole, and every text that a call is given.

    Args:
        function: its syntax.
        paths: what names in it mean.
    """
    yield from _in(function, paths, is_given=False)


def is_data(folder: Path, home: Path) -> bool:
    """Whether a folder may hold what code reads, rather than the code or what runs leave.

    Args:
        folder: any.
        home: the folder of the study.
    """
    folder = folder.resolve()
    around = (home.resolve(), Path(tempfile.gettempdir()).resolve())
    is_hidden = folder.name == "mlruns" or folder.name.startswith(".")
    return not (
        is_hidden
        or any(place.is_relative_to(folder) for place in around)
        or (folder / "__init__.py").is_file()
    )


def _in(node: ast.AST, paths: Paths, is_given: bool) -> Iterator[Path]:
    if isinstance(node, ast.expr) and not isinstance(node, ast.Lambda):
        try:
            found = paths.values(node)
        except Unknown:
            found = []
        told = [e for e in found if isinstance(e, Path) or (is_given and isinstance(e, str))]
        if told:
            yield from map(Path, told)
            return
    inside = isinstance(node, ast.Call) or (is_given and isinstance(node, ast.List | ast.Tuple))
    for inner in _parts(node, paths):
        yield from _in(inner, paths, inside or isinstance(node, ast.keyword | ast.Starred))


def _parts(node: ast.AST, paths: Paths) -> Iterator[ast.AST]:
    """What something consists of, without paths that are written or told where they are used."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            if paths.is_known(name):
                value = node.value
                yield from ast.iter_child_nodes(value) if isinstance(value, ast.Call) else ()
                return
        case ast.Call(func=ast.Attribute(value=receiver, attr=called), args=args, keywords=more):
            of_path = _is_path(receiver, paths)
            if called in _WRITERS or only_writes(node, of_path):
                yield from (*args, *more) if of_path else (receiver, *args[1:], *more)
                return
        case ast.Call(func=ast.Name(id=called), args=args, keywords=more):
            if called in _WRITERS or only_writes(node, of_path=False):
                yield from (*args[1:], *more)
                return
    yield from ast.iter_child_nodes(node)


def _is_path(node: ast.expr, paths: Paths) -> bool:
    try:
        return isinstance(paths.value(node), Path)
    except Unknown:
        return False
