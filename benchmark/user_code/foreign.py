"""Whether what a study declares is of code that is not ours."""

from __future__ import annotations

from benchmark.user_code.project import OURS

_KNOWN = frozenset((*OURS, "builtins"))


def is_foreign(*declared: object) -> bool:
    """Whether any of these is of a class that is not ours."""
    parts = [part for each in declared for part in (each, *_parts(each))]
    classes = {kind for part in parts for kind in type(part).__mro__}
    return any(kind.__module__.split(".")[0] not in _KNOWN for kind in classes)


def _parts(declared: object) -> tuple[object, ...]:
    """Of a composition of methods."""
    found = getattr(declared, "parts", ())
    return found if isinstance(found, tuple) else ()
