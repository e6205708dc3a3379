"""Modules of packages that are first imported while a study is loaded, before it changes them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


@contextmanager
def arrivals(
    is_wanted: Callable[[str], bool], arrived: Callable[[ModuleType], None]
) -> Iterator[None]:
    """Have each module looked at as soon as its own code has run.

    Args:
        is_wanted: whether a module of this name is to be looked at.
        arrived: is given the module.
    """
    finder = _Finder(is_wanted, arrived)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    def __init__(
        self, is_wanted: Callable[[str], bool], arrived: Callable[[ModuleType], None]
    ) -> None:
        self.is_wanted = is_wanted
        self.arrived = arrived

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the finders behind this one say, with a loader that reports."""
        if not self.is_wanted(fullname):
            return None
        for finder in sys.meta_path:
            found = None if finder is self else finder.find_spec(fullname, path, target)
            if found is not None:
                self.listen(found.loader)
                return found
        return None

    def listen(self, loader: Any) -> None:
        """Have one module reported; loaders of what is built in are shared, and are left alone."""
        if loader is None or isinstance(loader, type):
            return
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            run(module)
            self.arrived(module)

        loader.exec_module = exec_module
