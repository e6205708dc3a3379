"""The content of files and folders that code names."""

from pathlib import Path

from trainers.tasks.elsewhere.places import content_of


def content(path: Path) -> list[str] | None:
    """The digest of a file, or those of all files in a folder; None where nothing is there."""
    if path.is_file():
        return [content_of(path)]
    if not path.is_dir():
        return None
    files = sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return [text for p in files for text in (str(p.relative_to(path)), content_of(p))]
