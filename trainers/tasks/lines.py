"""Texts on disk, one a line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def write_lines(texts: Iterable[str], path: Path) -> None:
    """Write texts without line breaks, one a line, the same bytes on every system."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{text}\n" for text in texts)


def read_lines(path: Path) -> list[str]:
    """Read what `write_lines` wrote."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]
