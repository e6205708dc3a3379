"""The content of files and folders that code names."""

from __future__ import annotations

import glob
from pathlib import Path

from trainers.tasks.elsewhere.places import content_of


def content(path: Path) -> list[str] | None:
    """The digest of a file, or those of all files in a folder; None where nothing is there.

    A pattern stands for all that it matches.
    """
    if path.is_file():
        return [content_of(path)]
    if glob.has_magic(str(path)):
        found = map(Path, sorted(glob.glob(str(path), recursive=True)))
        return [text for each in found for text in (each.name, *(content(each) or ()))]
    if not path.is_dir():
        return None
    files = sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return [text for p in files for text in (str(p.relative_to(path)), content_of(p))]
