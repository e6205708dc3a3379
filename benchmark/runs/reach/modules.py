"""Imports within functions, made as the function would make them."""

from __future__ import annotations

import builtins
import importlib.util
from types import FunctionType, ModuleType

from benchmark.runs.reach.origin import is_installed, origin
from benchmark.user_code.project import OURS, project_of


def imported(
    name: str, level: int, taken: tuple[str, ...], function: FunctionType
) -> ModuleType | str:
    """The module that an import gives; of one that is not the user's only the name.

    Args:
        name: as it is written.
        level: how many packages up it begins.
        taken: what is taken from it.
        function: holds the import.

    Raises:
        Exception: whatever the module raises as it is loaded.
    """
    own = project_of(str(function.__globals__.get("__name__")))
    top = name.partition(".")[0]
    if not level and not (own and own.has(top)) and not _is_users(top):
        return name
    held = function.__globals__.get("__builtins__", builtins)
    load = held["__import__"] if isinstance(held, dict) else held.__import__
    found = load(name, function.__globals__, {}, taken, level)
    if not isinstance(found, ModuleType):
        raise ImportError(name)
    return found


def _is_users(top: str) -> bool:
    if top in OURS:
        return False
    spec = importlib.util.find_spec(top)
    if spec is None:
        return False
    return origin(top) == "user" and not (spec.origin and is_installed(spec.origin))
