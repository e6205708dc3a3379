"""A folder that takes its place once all of it is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from benchmark.errors import BenchmarkError


def require_free(target: Path) -> None:
    """Refuse a place where something is.

    Raises:
        BenchmarkError: with what to do.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise BenchmarkError(f"{target} is there already, and no folder: name another one.")
    if target.is_dir() and any(target.iterdir()):
        raise BenchmarkError(f"{target} is there already, and not empty: name another folder.")


@contextmanager
def drafted(target: Path) -> Iterator[Path]:
    """An empty folder that takes its final name when the block ends without an error.

    Raises:
        BenchmarkError: there is something in its place, or it cannot be written.
    """
    require_free(target)
    whole = target.absolute()
    draft = whole.with_name(f".{whole.name}.{os.getpid()}")
    try:
        draft.mkdir(parents=True)
        yield draft
        draft.rename(whole)  # over an empty folder, and over nothing else
    except SafetensorError as error:  # what fails in writing weights
        raise BenchmarkError(f"{target} could not be written: {error}.") from error
    except OSError as error:
        if error.filename is not None and not str(error.filename).startswith(str(draft)):
            raise
        raise BenchmarkError(
            f"{target} could not be written: {error.strerror or error}."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
