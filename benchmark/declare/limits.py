"""What no declaration may hold, wherever it stands: numbers that are none, or absurdly large.

Each class checks what its own fields mean. This goes through all that a study declares, classes of
the user's too, so that nothing of the kind is met in the middle of a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, get_origin

from benchmark.errors import StudyError

#: The largest value of fields of these names: far above what was ever trained, and far below what
#: takes a machine down.
_LARGEST = {
    "at": 1_000_000,
    "batch_size": 1_000_000,
    "blocks": 1_000,
    "dev": 1_000_000_000,
    "epochs": 1_000_000,
    "generations": 100,
    "heads": 4_096,
    "image_size": 16_384,
    "layers": 1_000,
    "length": 1_000_000,
    "lr": 1_000,
    "max_length": 1_000_000,
    "padding": 16_384,
    "passes": 1_000,
    "positions": 1_000_000,
    "shape": 16_384,
    "steps": 100_000_000,
    "test": 1_000_000_000,
    "threads": 1_024,
    "train": 1_000_000_000,
    "trials": 1_000_000,
    "vocabulary": 10_000_000,
    "width": 65_536,
    "widths": 16_384,
}
#: The most values that fields of these names may hold.
_MOST = {"widths": 32}
#: Values of a field that are looked at: a task may hold its examples in one.
_LOOKED_AT = 10_000


def check_declared(study: Any) -> None:
    """Go through everything that a study declares.

    Raises:
        StudyError: a number is NaN, infinite or absurd, or a class of the user's declares
            hyper-parameters that are none.
    """
    for declared in declarations(study):
        _check_class(type(declared))
        for each in fields(declared):
            held = getattr(declared, each.name, None)
            if isinstance(held, tuple) and len(held) > _MOST.get(each.name, len(held)):
                raise StudyError(
                    f"{type(declared).__name__}: {each.name} holds {len(held):,} values; it may "
                    f"hold {_MOST[each.name]}."
                )
            for value in _values(held):
                _check_number(type(declared).__name__, each.name, value)


def declarations(value: Any) -> Iterator[Any]:
    """A dataclass, and all those in it."""
    if isinstance(value, type):
        return
    if is_dataclass(value):
        yield value
        for each in fields(value):
            yield from declarations(getattr(value, each.name, None))
    elif isinstance(value, tuple | list):
        for inner in value[:_LOOKED_AT]:
            yield from declarations(inner)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from declarations(inner)


def _values(value: Any) -> Iterator[Any]:
    """A field's value, or those in it."""
    if isinstance(value, tuple | list):
        for inner in value[:_LOOKED_AT]:
            yield from _values(inner)
    elif isinstance(value, Mapping):
        yield from value.values()
    else:
        yield value


def _check_number(owner: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise StudyError(f"{owner}({name}={value!r}): it must be a finite number.")
    if value > _LARGEST.get(name, math.inf):
        raise StudyError(f"{owner}({name}={value!r}): it must be at most {_LARGEST[name]:,}.")


def _check_class(kind: type) -> None:
    """Refuse values in a class that are meant as fields: a run's key would not see them."""
    known = {each.name for each in fields(kind)}
    for owner in kind.__mro__:
        declared = vars(owner).get("__annotations__", {})
        for name, annotation in declared.items():
            if name not in known and not _is_shared(annotation):
                raise StudyError(
                    f"class {owner.__name__}: {name} is no field of it. Write "
                    f"@dataclass(frozen=True) above the class."
                )


def _is_shared(annotation: Any) -> bool:
    """Whether an annotation says that a value belongs to the class."""
    return (
        "ClassVar" in annotation
        if isinstance(annotation, str)
        else (annotation is ClassVar or get_origin(annotation) is ClassVar)
    )
