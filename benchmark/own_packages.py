"""`stats` and `trainers` are those beside this package, whatever else Python would find first.

A folder on Python's path may hold a user's own `stats.py`: the current folder does under
`python -m benchmark` and in a notebook, any other by PYTHONPATH. Importing this module has the
packages of armbench found where `benchmark` itself was found; nothing else changes its place.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

#: In which they and this package lie.
FOLDER = str(Path(__file__).parent.parent)
_NAMES = ("stats", "trainers")


class _Beside:
    """Finds the two packages in the folder in which this one lies."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of one of them; None for every other module."""
        if fullname not in _NAMES or path is not None:
            return None
        own = PathFinder.find_spec(fullname, [FOLDER])
        other = PathFinder.find_spec(fullname)
        if own and other and other.origin and other.origin != own.origin:
            warnings.warn(
                f"{other.origin} is not what is imported: {fullname} is armbench's own package. "
                "Rename the file to import it.",
                stacklevel=2,
            )
        return own


def _check(name: str) -> None:
    """Refuse to go on with another module of the name, which this process has already."""
    if name not in sys.modules:
        return
    there = getattr(sys.modules[name], "__file__", None)
    if there is None or Path(there).resolve().parent != Path(FOLDER).resolve() / name:
        raise ImportError(
            f"{there or name} has been imported as {name!r}, which is a package of armbench: "
            "rename it, or import benchmark in another process."
        )


for _name in _NAMES:
    _check(_name)
sys.meta_path.insert(0, _Beside())
