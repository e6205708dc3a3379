"""From a study file to its study, with errors that name the file and the line."""

import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from benchmark.errors import BenchmarkError, StudyError
from benchmark.study import Study
from trainers.errors import TrainerError


def load_study(path: Path) -> Study:
    """Execute a study file and return what it binds to ``study``.

    Raises:
        StudyError: the file is missing, does not run, or binds no study.
    """
    module = load_module(path)
    study = getattr(module, "study", None)
    if not isinstance(study, Study):
        found = "nothing" if study is None else f"a {type(study).__name__}"
        raise StudyError(f'{path}: the name "study" must be bound to a Study; it is {found}.')
    return study


def load_module(path: Path) -> ModuleType:
    """Import a study file under a name of its own, so that its classes can travel to workers.

    Raises:
        StudyError: the file is missing or does not run.
    """
    if not path.is_file():
        raise StudyError(f"{path}: there is no such study file.")
    name = "study_" + hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StudyError(f"{path}: a study is a Python file, with a name that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (BenchmarkError, TrainerError) as error:
        raise type_of(error)(f"{_place(path, error)}: {error}") from error
    except SyntaxError as error:
        raise StudyError(f"{path}:{error.lineno}: {error.msg}") from error
    except Exception as error:
        raise StudyError(f"{_place(path, error)}: {type(error).__name__}: {error}") from error
    return module


def type_of(error: Exception) -> type[StudyError]:
    """The study error to raise in place of one from a declaration."""
    return type(error) if isinstance(error, StudyError) else StudyError


def _place(path: Path, error: BaseException) -> str:
    """The file, and the line of it that was being executed."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve() == path.resolve()
    ]
    return f"{path}:{lines[-1]}" if lines else str(path)
