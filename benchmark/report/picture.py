"""A figure of a report, before and after it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A figure before it is saved: the kind of its section, its name, what it shows, the drawing.
Sketch = tuple[str, str, str, "Figure"]


@dataclass(frozen=True)
class Picture:
    """A figure that has been drawn.

    Attributes:
        section: the kind of the sheet that it belongs to.
        name: of its files, without their ending.
        caption: what is to be seen, in a sentence or two.
        paths: its files; one of them is an SVG.
    """

    section: str
    name: str
    caption: str
    paths: tuple[Path, ...]

    @property
    def svg(self) -> Path:
        """The drawing for a page."""
        return next(path for path in self.paths if path.suffix == ".svg")
