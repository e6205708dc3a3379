"""The content address of a run: SHA-256 of its canonical specification.

Names of arms and studies, paths and the wall clock are not in it, so that a renamed study finds
its runs again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Any

from benchmark.errors import StudyError

_encoded = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_quoted = json.encoder.encode_basestring_ascii


class Specification(dict[str, Any]):
    """What one thing that is declared says of itself, shared by the runs that are made of it.

    Nothing changes it once it is made: its canonical form is computed once.
    """

    @cached_property
    def canonical(self) -> str:
        """As JSON with sorted names."""
        return _encoded(_plain(self))

    @cached_property
    def followed(self) -> Specification:
        """The same without what is another one in every command."""
        return Specification(
            {name: _followed(value) for name, value in self.items() if name != "anew"}
        )


class Listed(list[Any]):
    """A list of which the same holds."""

    @cached_property
    def canonical(self) -> str:
        """As JSON."""
        return _encoded(_plain(self))


def _followed(value: Any) -> Any:
    if isinstance(value, Specification):
        return value.followed
    return Specification(value).followed if isinstance(value, Mapping) else value


def key(specification: Mapping[str, Any]) -> str:
    """Hex digest of a specification, the same in every process and on every machine.

    >>> key({"seed": 42, "lr": 1e-3}) == key({"lr": 0.001, "seed": 42})
    True
    """
    return hashlib.sha256(canonical(specification).encode()).hexdigest()


def canonical(specification: Mapping[str, Any]) -> str:
    """A specification as JSON with sorted names.

    Raises:
        StudyError: it holds something without a stable form, such as a function.
    """
    parts = [f"{_quoted(name)}:{_json(value)}" for name, value in sorted(specification.items())]
    return f"{{{','.join(parts)}}}"


def _json(value: Any) -> str:
    kind = type(value)
    if kind is Specification or kind is Listed:
        return str(value.canonical)
    if kind is str:
        return _quoted(value)
    return str(value) if kind is int else _encoded(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        # LS(epsilon=1) and LS(epsilon=1.0) are equal and must be one run
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        if hasattr(value, "specification"):
            return _plain(value.specification())
        named = {f.name: getattr(value, f.name) for f in fields(value)}
        return {"class": type(value).__name__, **_plain(named)}
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        return _plain(value.tolist())
    raise StudyError(
        f"{value!r} cannot be part of a run's key; use numbers, texts, tuples and frozen "
        "dataclasses as fields."
    )
