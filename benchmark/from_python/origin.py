"""Which file declares a study that was given as an object."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from benchmark.declare.loading import watched_module
from benchmark.declare.study import Study
from benchmark.errors import StudyError
from benchmark.from_python.moved import read_in, written_down
from benchmark.from_python.notebook import Notebook
from benchmark.user_code.blame import shown
from benchmark.user_code.project import Project


@dataclass(frozen=True)
class Origin:
    """Where a study comes from.

    Attributes:
        file: declares it, and what it is made of; workers import it.
        study: as the module of that file has it.
    """

    file: Path
    study: Study

    @classmethod
    def of(cls, study: Study, runs: object) -> Origin:
        """Where a study was imported from, else the script or the notebook that makes it.

        The file is imported, by a name of its own.

        Args:
            study: as it was given.
            runs: the function that runs studies.

        Raises:
            StudyError: there is none, it does not run, or it declares another study by now.
        """
        if found := _imported(study):
            module, name = found
            again = "import it again (importlib.reload), or restart Python"
            return cls._bound(Path(str(module.__file__)), study, name, again)
        script = getattr(sys.modules["__main__"], "__file__", None)
        if script is not None and Path(script).is_file():
            return cls._made(Path(script), study)
        if notebook := Notebook.here():
            file, again = notebook.write(study, runs), "execute the cells again that make it"
            return cls._bound(file, study, notebook.name_of(study), again)
        raise StudyError(
            f'study "{study.name}" stands in no file, and workers are processes of their own: '
            "write it into a file, as study.py, and import it from there."
        )

    @classmethod
    def _bound(cls, file: Path, study: Study, name: str, again: str) -> Origin:
        """A study that a file binds to a name; `again` is what to do where that is another one."""
        file, written = Path(shown(str(file))), written_down(study)
        there = getattr(watched_module(file), name, None)
        own = None if written is None else read_in(Project.of(file), written)
        if not isinstance(there, Study) or (own is not None and own != there):
            raise StudyError(
                f"{file}: {name} is another study by now than the one that is to be run: {again}."
            )
        return cls(file, there)

    @classmethod
    def _made(cls, file: Path, study: Study) -> Origin:
        """A study that a script makes somewhere, of what it declares."""
        file, written = Path(shown(str(file))), written_down(study)
        if written is None:
            raise StudyError(
                f'study "{study.name}": something in it has no name by which workers could find '
                "it, as a lambda has none; declare it with def, at the top of the file."
            )
        watched_module(file)
        return cls(file, read_in(Project.of(file), written))


def _imported(study: Study) -> tuple[ModuleType, str] | None:
    """The module that declares a study, and its name there; None where none but a script does."""
    found = [
        (module, name)
        for module_name, module in list(sys.modules.items())
        if module_name != "__main__" and isinstance(getattr(module, "__file__", None), str)
        for name, value in list(vars(module).items())
        if value is study
    ]
    return next((each for each in found if _declares(*each)), None)


def _declares(module: ModuleType, name: str) -> bool:
    """Whether a module binds a name itself, in place of importing it from another one."""
    file = Path(str(module.__file__))
    if file.suffix != ".py" or not file.is_file():
        return False
    return name not in {each for node in ast.parse(file.read_bytes()).body for each in _taken(node)}


def _taken(node: ast.stmt) -> Iterator[str]:
    """Names that an import binds."""
    if isinstance(node, ast.ImportFrom):
        yield from (each.asname or each.name for each in node.names)
