"""What is wrong with the arguments of a declaration, said by the names of its fields."""

from __future__ import annotations

import re
import sys
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches

#: How Python says it: the class, and what it takes not, or lacks.
_UNKNOWN = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
_LACKING = re.compile(r"(\w+)\.__init__\(\) missing \d+ required \S+ arguments?: (.+)")
_OURS = ("benchmark", "stats", "trainers")


def wrong_arguments(error: BaseException) -> str:
    """A sentence on a call of one of armbench's classes; empty where the error is another.

    >>> from benchmark import Comparison
    >>> try:
    ...     Comparison("base", candidate=["ls"])
    ... except TypeError as error:
    ...     wrong_arguments(error)
    'Comparison takes no candidate=; did you mean candidates? It takes baseline, candidates.'
    """
    said = str(error)
    if not isinstance(error, TypeError):
        return ""
    if (found := _UNKNOWN.match(said)) and (known := _fields(found[1])):
        names = [each.name for each in known]
        near = get_close_matches(found[2], names, 1)
        meant = f"; did you mean {near[0]}? It" if near else ": it"
        return f"{found[1]} takes no {found[2]}={meant} takes {', '.join(names)}."
    if (found := _LACKING.match(said)) and (known := _fields(found[1])):
        lacking = re.findall(r"'(\w+)'", found[2])
        needed = [each.name for each in known if _is_needed(each)]
        return (
            f"{found[1]} lacks {' and '.join(f'{name}=' for name in lacking)}; "
            f"it needs {', '.join(needed)}."
        )
    return ""


def _fields(name: str) -> list[Field[object]]:
    """Those of a declaration of this name that its calls may give."""
    for module in list(sys.modules.values()):
        top = getattr(module, "__name__", "").partition(".")[0]
        declared = vars(module).get(name) if top in _OURS else None
        if isinstance(declared, type) and is_dataclass(declared):
            return [each for each in fields(declared) if each.init]
    return []


def _is_needed(each: Field[object]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING
