"""A study file is the root of its project: modules and files beside it are its own.

Modules beside a study are imported below a name that only this study has: `import losses` in a
study, or in a module beside it, means the `losses.py` there, whatever else is called so. Nothing
outside the project sees them, so that a user's `random.py` is never taken for Python's, and two
studies never get each other's modules. Sources are read once, and workers are given them: what is
trained is what was planned, also when a file is edited meanwhile.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from trainers.resolve.folders import declared_beside

#: Names that always mean armbench's own packages.
OURS = frozenset(("benchmark", "stats", "trainers"))
#: Sources of the project's modules by path, as they were read when the study was loaded.
Sources = Mapping[str, bytes]

_read: dict[str, bytes] = {}
#: Names of armbench that were imported beside a file of the user's that is called so.
_unheard: dict[str, None] = {}


@dataclass(frozen=True)
class Project:
    """A study file with what lies beside it.

    Attributes:
        study_file: absolute, with symbolic links followed.
    """

    study_file: Path

    @classmethod
    def of(cls, study_file: Path) -> Project:
        """The project of a study file, given by any path to it."""
        return cls(study_file.resolve())

    @property
    def root(self) -> Path:
        """The folder of the study file."""
        return self.study_file.parent

    @property
    def package(self) -> str:
        """The name of the study's module, below which those beside it are imported."""
        return "study_" + hashlib.sha256(str(self.study_file).encode()).hexdigest()[:12]

    def has(self, name: str) -> bool:
        """Whether a top-level module is one of the project's own."""
        if name in OURS:
            return False
        files = (self.root / f"{name}{suffix}" for suffix in (".py", *EXTENSION_SUFFIXES))
        if any(f.is_file() for f in files) or (self.root / name / "__init__.py").is_file():
            return True
        # A folder without __init__.py comes last in Python, too: it may as well hold data.
        return (self.root / name).is_dir() and _find(name) is None

    def shadows(self, name: str) -> bool:
        """Whether something beside the study is called as one of armbench's packages."""
        own = Path(importlib.import_module(name).__file__ or "").resolve()
        there = (self.root / f"{name}.py", self.root / name / "__init__.py")
        return any(f.is_file() and f.resolve() != own for f in there)

    def module(self) -> ModuleType | None:
        """The study's module, made anew and not yet executed; None for a file of another kind."""
        self._forget()
        place = [str(self.root)]
        spec = spec_from_file_location(
            self.package, self.study_file, submodule_search_locations=place
        )
        if spec is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        spec.loader = _Loader(self.package, str(self.study_file))
        module = module_from_spec(spec)
        sys.modules[self.package] = module
        _finder.projects[self.package] = self
        return module

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Have relative paths of the user's code mean files beside the study, as in its workers."""
        here = Path.cwd().resolve()
        os.chdir(self.root)
        try:
            with declared_beside(self.root, here):
                yield
        finally:
            os.chdir(here)

    def _forget(self) -> None:
        """Unload what an earlier load has left, and the names that a dynamic import has taken."""
        if not _finder.projects:
            return  # in a run's process, to which every look at a module copies its memory
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == self.package or _is_second(module):
                del sys.modules[name]
        for path in [p for p in _read if Path(p).is_relative_to(self.root)]:
            del _read[path]


def project_of(module: str) -> Project | None:
    """The project to which a module belongs, by the module's name."""
    return _finder.project_of(module)


def sources() -> Sources:
    """Every source that was read for a project, by path."""
    return dict(_read)


def take_sources(given: Sources) -> None:
    """Have projects loaded from sources that another process has read."""
    _read.update(given)


def source_of(path: str) -> bytes:
    """The source of a file as it was loaded; of others, as it is.

    Raises:
        OSError: it cannot be read.
    """
    return _read[path] if path in _read else Path(path).read_bytes()


def passed_over() -> list[str]:
    """Names that a project imports and that mean armbench's packages, not the files beside it."""
    names = [*_unheard]
    _unheard.clear()
    return names


def in_words_of_the_user(text: str) -> str:
    """A message without the names under which a project's modules are loaded."""
    for package in _finder.projects:
        text = text.replace(f"{package}.", "")
    return text


def wherever_it_lies(text: str) -> str:
    """A text with the same name for a project's modules in whichever folder the project is."""
    for package in _finder.projects:
        text = text.replace(package, "study")
    return text


class _Loader(SourceFileLoader):
    """Compiles a source as it is now: Python's cache tells files apart by size and second."""

    def get_data(self, path: str) -> bytes:
        if path not in _read:
            _read[path] = super().get_data(path)
        return _read[path]

    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def exec_module(self, module: ModuleType) -> None:
        project = _finder.project_of(module.__name__)
        if project is not None:
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importing(project)}
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """Finds the modules of projects, which nothing else knows by these names."""

    def __init__(self) -> None:
        self.projects: dict[str, Project] = {}

    def project_of(self, name: str) -> Project | None:
        """The project to which a module belongs."""
        own = self.projects.get(name.partition(".")[0])
        return own or (_second(name) if _is_second(sys.modules.get(name)) else None)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module below a project's name."""
        if fullname.partition(".")[0] not in self.projects or path is None:
            return None
        return _spec(fullname, path)


class _SecondFinder(MetaPathFinder):
    """Finds what user code imports dynamically by its plain name; everybody else comes first."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of the project that was loaded last."""
        project = _second(fullname)
        if project is None:
            return None
        return _spec(fullname, path if path is not None else [str(project.root)])


def _second(name: str) -> Project | None:
    """The project that was loaded last, if a plain name could be one of its modules."""
    top = name.partition(".")[0]
    last = next(reversed(_finder.projects.values()), None)
    return last if last is not None and top not in OURS and _lies_in(last.root, top) else None


def _lies_in(root: Path, name: str) -> bool:
    return (root / f"{name}.py").is_file() or (root / name / "__init__.py").is_file()


def _is_second(module: ModuleType | None) -> bool:
    spec = getattr(module, "__spec__", None)
    loader = getattr(spec, "loader", None)
    top = spec.name.partition(".")[0] if spec else ""
    return isinstance(loader, _Loader) and top not in _finder.projects


def _spec(fullname: str, path: Sequence[str]) -> ModuleSpec | None:
    kinds = ((ExtensionFileLoader, EXTENSION_SUFFIXES), (_Loader, [".py"]))
    for folder in path:
        spec = FileFinder(folder, *kinds).find_spec(fullname)
        if spec is not None:
            return spec
    return None


def _find(name: str) -> ModuleSpec | None:
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None


def _importing(project: Project) -> Any:
    """`import` as the modules of a project know it."""

    def import_(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        top = name.partition(".")[0]
        if top in OURS and not level and project.shadows(top):
            _unheard.setdefault(top, None)
        if level or not project.has(top):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        own = f"{project.package}.{name}"
        if fromlist:
            return builtins.__import__(own, globals, locals, fromlist, 0)
        importlib.import_module(own)
        return sys.modules[f"{project.package}.{top}"]

    return import_


_finder = _Finder()
sys.meta_path.insert(0, _finder)
sys.meta_path.append(_SecondFinder())
