"""A study as the module of its file has it, made from the one that a script or a notebook has."""

from __future__ import annotations

import io
import pickle
import sys
from pathlib import Path
from typing import Any

from benchmark.declare.study import Study
from benchmark.errors import StudyError
from benchmark.user_code.blame import shown
from benchmark.user_code.project import OURS, Project, in_words_of_the_user


def written_down(study: Study) -> bytes | None:
    """A study by the names of what it is made of; None where something has none, as a lambda.

    Raises:
        StudyError: a class of it has been declared anew since.
    """
    try:
        return pickle.dumps(study)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        if "not the same object" not in str(error):
            return None
        name = str(error).rpartition(".")[2]
        raise StudyError(
            f'study "{study.name}": {name}, which it is made of, has been declared anew since. '
            "Make the study again, by what is declared now."
        ) from error


def read_in(project: Project, written: bytes) -> Study:
    """The same study, with the classes of its project in place of those that it was made with.

    A script is `__main__` to Python, and so is a notebook; workers import its file by a name of its
    own, and what they execute has to be called so.

    Args:
        project: of its file, which has been imported.
        written: by :func:`written_down`.

    Raises:
        StudyError: what it is made of is not declared there.
    """
    try:
        found = _Reader(written, project).load()
    except (AttributeError, ImportError) as error:
        raise StudyError(
            f"{shown(str(project.study_file))} does not declare what the study is made of when it "
            f"is imported ({in_words_of_the_user(str(error))}). Declare classes at the top of the "
            'file, outside of functions and of `if __name__ == "__main__":`.'
        ) from error
    assert isinstance(found, Study)
    return found


class _Reader(pickle.Unpickler):
    """Reads what this process has just written, with other modules for those of a project."""

    def __init__(self, written: bytes, project: Project) -> None:
        super().__init__(io.BytesIO(written))
        self.project = project

    def find_class(self, module: str, name: str) -> Any:
        """What a name means in the project."""
        return super().find_class(_called(module, self.project), name)


def _called(name: str, project: Project) -> str:
    """How the project calls a module: its own file, or one beside that."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if name == "__main__" or (file and Path(file).resolve() == project.study_file):
        return project.package
    top = name.partition(".")[0]
    if top in OURS or top == project.package or not project.has(top):
        return name
    return f"{project.package}.{name}"
