"""Whose a module is: ours, Python's, an installed package's, or the user's."""

from __future__ import annotations

import site
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Literal

from benchmark.user_code.project import OURS, project_of

Origin = Literal["ours", "python", "installed", "user"]
_SITES = frozenset(("site-packages", "dist-packages"))


def origin(name: str | None) -> Origin:
    """Whose a module is, by its name; what has no module at all was made by the user.

    >>> [origin(name) for name in ("trainers.loop", "json", "numpy.linalg", None)]
    ['ours', 'python', 'installed', 'user']
    """
    if not name:
        return "user"
    top = name.partition(".")[0]
    if top in OURS:
        return "ours"
    if project_of(name) is not None:
        return "user"
    if top in sys.stdlib_module_names or top.startswith("namedtuple_"):
        return "python" if top != "__main__" else "user"
    module = sys.modules.get(name) or sys.modules.get(top)
    return _by_place(module) if module else "user"


def _by_place(module: ModuleType) -> Origin:
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    if file is None:
        return "python"  # built into the interpreter
    return "installed" if is_installed(file) else "user"


def is_installed(file: str) -> bool:
    """Whether a file lies where packages are installed."""
    path = Path(file).resolve()
    return not _SITES.isdisjoint(path.parts) or any(path.is_relative_to(f) for f in _folders())


@cache
def _folders() -> tuple[Path, ...]:
    named = [sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")]
    named += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple(Path(folder).resolve() for folder in named)
