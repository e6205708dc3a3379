"""From a study file to its study, with errors that name the file and the line."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType

from benchmark.declare.study import Study
from benchmark.errors import BenchmarkError, StudyError
from benchmark.user_code.blame import blamed
from benchmark.user_code.changes import watched
from benchmark.user_code.containment import leaving_raises, undisturbed
from benchmark.user_code.project import (
    Project,
    Sources,
    passed_over,
    sources,
    take_sources,
)
from benchmark.user_code.waiting import TooLong, asked_to_stop, stop, stop_now
from trainers.errors import TrainerError

#: Study files that this process is executing, the innermost last.
_being_read: list[Path] = []


def load_study(path: Path) -> Study:
    """Execute a study file and return what it binds to `study`.

    Raises:
        StudyError: the file is missing, does not run, or binds no study.
    """
    module = watched_module(path)
    study = getattr(module, "study", None)
    if not isinstance(study, Study):
        found = "nothing" if study is None else f"a {type(study).__name__}"
        raise StudyError(f'{path}: the name "study" must be bound to a Study; it is {found}.')
    return study


def watched_module(path: Path) -> ModuleType:
    """Import a study file as :func:`load_module` does, and note what it changes outside of itself.

    Raises:
        StudyError: the file is missing or does not run.
    """
    try:
        with watched():
            return load_module(path)
    finally:
        for name in passed_over():
            print(
                f"bench: {path.parent / name} is not what the study imports: {name} is armbench's "
                "own package. Rename the file to import it.",
                file=sys.stderr,
            )


def being_read() -> Path | None:
    """The study file that this process is executing, so that it gives its declarations."""
    return _being_read[-1] if _being_read else None


def load_module(path: Path, read: Sources | None = None) -> ModuleType:
    """Import a study file under a name of its own, so that its classes can travel to workers.

    Relative paths in it, and in the modules beside it, mean files beside it.

    Args:
        path: the study file.
        read: sources that the command has read, in place of what the files hold by now.

    Raises:
        StudyError: the file is missing or does not run.
    """
    if not path.is_file():
        raise StudyError(f"{path}: there is no such study file.")
    if any("\udc80" <= each <= "\udcff" for each in str(path.resolve())):
        raise StudyError(
            f"{path}: its path holds bytes that are no letters here, and the record takes letters "
            "only. Rename the file or the folder, or set LC_ALL=C.UTF-8 if they are letters."
        )
    from stats.errors import StatsError  # a study declares how it is judged

    project = Project.of(path)
    module = project.module()
    take_sources(read or {})
    if module is None:
        raise StudyError(f"{path}: a study is a Python file, with a name that ends in .py.")
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    before = len(asked_to_stop)
    _being_read.append(path)

    def ask(signum: int, frame: object) -> None:
        if len(asked_to_stop) > before:  # and the file went on all the same
            stop_now()
        stop(signum, frame)

    try:
        with undisturbed(), leaving_raises(), project.at_home():
            _ask_instead(ask)
            module.__spec__.loader.exec_module(module)
    except (BenchmarkError, TrainerError) as error:
        raise type_of(error)(f"{_place(path, error)}: {error}") from error
    except StatsError as error:
        raise StudyError(f"{_place(path, error)}: {error}.") from error
    except SyntaxError as error:
        raise StudyError(f"{_shown(error.filename, path)}:{error.lineno}: {error.msg}") from error
    except TooLong as error:
        raise StudyError(f"{_place(path, error)}: {error}.") from error
    except BaseException as error:
        if len(asked_to_stop) > before:
            raise
        raise StudyError(f"{_place(path, error)}: {blamed(error, place=False)}") from error
    finally:
        _being_read.pop()
    return module


def _ask_instead(ask: Callable[[int, FrameType | None], None]) -> None:
    """Be told of Ctrl-C where it raises, apart from an exception that the file itself raises."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) in (signal.default_int_handler, stop):
                signal.signal(number, ask)


def type_of(error: Exception) -> type[StudyError]:
    """The study error to raise in place of one from a declaration."""
    return type(error) if isinstance(error, StudyError) else StudyError


def _place(path: Path, error: BaseException) -> str:
    """The file of the project, and the line of it that was being executed."""
    read = sources()
    lines = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in read
    ]
    return f"{_shown(lines[-1][0], path)}:{lines[-1][1]}" if lines else str(path)


def _shown(file: str | None, study: Path) -> str:
    """A file of the project as a user would write it who gave the study by this path."""
    own = study.resolve()
    if file is None or not Path(file).is_relative_to(own.parent) or Path(file) == own:
        return str(study)
    return str(study.parent / Path(file).relative_to(own.parent))
