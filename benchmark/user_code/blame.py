"""Which line of a user's own code an error comes from."""

from __future__ import annotations

import os
import site
import sysconfig
import traceback
from functools import cache
from pathlib import Path
from types import CodeType

from benchmark.secrets import masked
from benchmark.user_code.arguments import wrong_arguments
from benchmark.user_code.project import in_words_of_the_user

_SITES = frozenset(("site-packages", "dist-packages"))


def user_line(error: BaseException) -> str:
    """Where the user's code stood when it raised, as "study.py:12"; empty where it had no part.

    Of a chain of calls the innermost line counts that is neither installed nor ours.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not _is_foreign(frame.filename):
            return f"{shown(frame.filename)}:{frame.lineno}"
    return ""


def is_of_the_user(code: CodeType) -> bool:
    """Whether code that is being executed is the user's own."""
    return not _is_foreign(code.co_filename)


def is_file_of_the_user(file: str) -> bool:
    """Whether code of this file is the user's own."""
    return not _is_foreign(file)


def blamed(error: BaseException, place: bool = True) -> str:
    """An error as one line: its type, what it says, and the line of the user's code."""
    said = masked(in_words_of_the_user(next(iter(str(error).strip().splitlines()), "")))
    where = user_line(error) if place else ""
    told = f"{type(error).__name__}: {said}" if said else type(error).__name__
    told = wrong_arguments(error) or told
    if isinstance(error, SystemExit):
        told = f"it ends the process (exit code {error.code})"
    return f"{told} ({where})" if where else told


def shown(file: str) -> str:
    """Relative to the current folder where it lies in it."""
    try:
        inside = os.path.relpath(file)
    except (OSError, ValueError):
        return file
    return file if inside.startswith(os.pardir) else inside


@cache
def _is_foreign(file: str) -> bool:
    """Whether a file is installed, a part of Python or ours; a notebook's cell is the user's.

    What `exec` ran, or `@dataclass` wrote, has no line that anybody could look up.
    """
    if file == "<string>" or file.startswith("<frozen"):
        return True
    if file.startswith("<"):
        return False
    path = Path(file).resolve()
    return not _SITES.isdisjoint(path.parts) or any(path.is_relative_to(root) for root in _ROOTS)


def _roots() -> tuple[Path, ...]:
    here = Path(__file__).resolve().parents[2]
    ours = [here / name for name in ("benchmark", "stats", "trainers")]
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    installed = [*map(sysconfig.get_path, names), *site.getsitepackages()]
    return (*ours, *(Path(root).resolve() for root in installed))


#: Known from the start: it imports, and a signal's handler that asks may stand within an import.
_ROOTS = _roots()
