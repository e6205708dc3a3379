"""A study that a cell of a notebook makes, as a file that workers import."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.declare.study import Study
from benchmark.errors import StudyError
from benchmark.from_python.cells import module_of, parts_for
from benchmark.report.names import plain_names

#: How the first line of a file begins that is written here, and may be written anew.
_BEGINNING = '"""What makes a study in a notebook'
_HEADING = (
    "What makes a study in a notebook.\n\nWritten by benchmark.run whenever the notebook runs the "
    "study: a change belongs there.\n"
)


@dataclass(frozen=True)
class Notebook:
    """The cells that were executed, and what they bind.

    Attributes:
        cells: their sources in the order of execution, magics taken out.
        names: what the notebook binds.
    """

    cells: Sequence[str]
    names: Mapping[str, Any]

    @classmethod
    def here(cls) -> Notebook | None:
        """The one in which this process executes cells; None in a script."""
        shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
        if shell is None or vars(sys.modules["__main__"]) is not shell.user_ns:
            return None
        return cls(list(shell.user_ns.get("In", ())), shell.user_ns)

    def name_of(self, study: Study) -> str:
        """What the notebook calls a study.

        Raises:
            StudyError: nothing.
        """
        found = [n for n, value in self.names.items() if value is study and n[0] != "_"]
        if not found:
            raise StudyError(
                f'study "{study.name}" has no name in the notebook, by which workers could make it '
                "from its cells: bind it in a statement of its own, as study = make(...), and give "
                "that to run."
            )
        return "study" if "study" in found else found[0]

    def write(self, study: Study, runs: object) -> Path:
        """Write the statements that make a study into a file of the working directory.

        Modules and data beside the notebook are then beside the file.

        Args:
            study: bound to a name by a cell.
            runs: the function that runs studies, which none of the statements may call.

        Raises:
            StudyError: one does, or the file cannot be written.
        """
        name = self.name_of(study)
        parts = parts_for(name, self.cells)
        calls = {each for each, value in self.names.items() if value is runs}
        if any(part.uses & calls - part.binds for part in parts):
            raise StudyError(
                f'study "{study.name}" is made by a statement that runs studies, too: bind it in '
                f"one of its own, at the top of a cell, as {name} = make(...)."
            )
        path = Path(f"notebook_{plain_names([study.name])[study.name]}.py")
        text = module_of(parts, name, _HEADING)
        try:
            there = path.read_text(encoding="utf-8") if path.exists() else None
            if there is not None and not there.startswith(_BEGINNING):
                raise StudyError(
                    f"{path} is no file that run has written, and would be written anew: rename it."
                )
            if there != text:
                path.write_text(text, encoding="utf-8")
        except (OSError, ValueError) as error:
            raise StudyError(
                f"{path}, from which workers read the study, cannot be written: "
                f"{getattr(error, 'strerror', None) or error}. Change to a folder that can be."
            ) from error
        return path
