"""Figures as files: the same figure gives the same bytes, whatever its name harms nothing."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

from matplotlib.figure import Figure

from stats.report.figures.drawing.style import plain_settings

FORMATS = ("svg", "pdf", "png")
DPI = 200
#: Characters of a file name; file systems take 255 bytes.
LONGEST = 120

# Dates would make the same figure differ from one day to the next.
_UNDATED = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "ModDate": None},
    "png": {},
}


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as SVG, PDF and PNG.

    Args:
        figure: of one of the functions of this package.
        folder: made if it is not there.
        name: of the files, without ending; made harmless by `file_name`.

    Returns:
        The three files, SVG first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = file_name(name)
    paths = [folder / f"{stem}.{ending}" for ending in FORMATS]
    for path, ending in zip(paths, FORMATS, strict=True):
        path.write_bytes(_rendered(figure, ending))
    return paths


def to_svg(figure: Figure) -> str:
    """A figure as the text of an SVG file."""
    return _rendered(figure, "svg").decode("utf-8")


def file_name(name: str) -> str:
    """A name of letters, digits, "_", "." and "-"; one that had to be changed ends in a digest.

    >>> file_name("forest-rte"), file_name("../../x")
    ('forest-rte', 'x-9cdf6a50')
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:LONGEST].strip(".-")
    plain = re.sub(r"\.{2,}", ".", plain)
    if plain == name:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or 'figure'}-{digest}"


def _rendered(figure: Figure, ending: str) -> bytes:
    buffer = io.BytesIO()
    with plain_settings():
        figure.savefig(
            buffer,
            format=ending,
            dpi=DPI,
            facecolor=figure.get_facecolor(),
            metadata=_UNDATED[ending],
        )
    return buffer.getvalue()
