"""How figures look: sizes that fit a paper, colours that everybody can tell apart, one font.

Drawing goes through `matplotlib.figure.Figure` alone; `pyplot` and its global state are never
touched, and a user's matplotlibrc changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stats.report.figures.drawing.fonts import families
from stats.report.figures.drawing.labels import CHARACTER, length

#: Widths in inches: of one column of a paper, and of its two.
COLUMN, PAGE = 3.3, 6.9

#: Inches that a page leaves to a figure and its caption.
TALLEST = 8.5

#: Sizes of text in points.
TEXT, SMALL = 7.5, 6.5

#: Between ticks, times a power of ten.
STEPS = (1, 2, 2.5, 5, 10)

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")


@dataclass(frozen=True)
class Palette:
    """Colours on one kind of paper.

    Arms of the light palette have a contrast of at least 3:1 on white and on near-black, so that
    a light figure can be shown on a dark page whose greys are turned round. The first four are
    Okabe and Ito's, and so are all of the dark palette.

    Attributes:
        ink: of text and of the baseline.
        soft: of what is secondary but must be seen.
        faint: of grids and zero lines.
    """

    paper: str
    ink: str
    soft: str
    faint: str
    arms: tuple[str, ...]


LIGHT = Palette(
    paper="#ffffff",
    ink="#1a1a1a",
    soft="#6b6b6b",
    faint="#c8c8c8",
    arms=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#4c4cff", "#c03030"),
)
DARK = Palette(
    paper="#121212",
    ink="#ececec",
    soft="#a6a6a6",
    faint="#4a4a4a",
    arms=("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00"),
)


@dataclass(frozen=True)
class Look:
    """What a figure is drawn for.

    Attributes:
        width: in inches, `COLUMN` or `PAGE` in a paper.
        dark: whether the paper is dark.
    """

    width: float = COLUMN
    dark: bool = False

    @property
    def palette(self) -> Palette:
        """The colours."""
        return DARK if self.dark else LIGHT

    @property
    def wide(self) -> bool:
        """Whether there is room beside a column."""
        return self.width > (COLUMN + PAGE) / 2

    def arm(self, place: int) -> dict[str, Any]:
        """Colour, marker and dashes of an arm; the first, the baseline, has the colour of ink.

        Twelve arms differ in shape as well as in colour.

        >>> Look().arm(1)["color"] == Look().arm(7)["color"]
        True
        >>> Look().arm(1)["marker"], Look().arm(7)["marker"]
        ('s', '<')
        """
        round_, colour = divmod(max(0, place - 1), len(self.palette.arms))
        dashes = ("-", (0, (4, 1.5)), (0, (1, 1)))
        return {
            "color": self.palette.arms[colour] if place else self.palette.ink,
            "marker": MARKERS[place % len(MARKERS)],
            "linestyle": dashes[round_ % len(dashes)],
        }

    def verdict(self, word: str) -> dict[str, Any]:
        """Colour, marker and filling that stand for a verdict, beside its word."""
        blue, vermilion, green = self.palette.arms[:3]
        colour, marker = {
            "better": (blue, "^"),
            "worse": (vermilion, "v"),
            "negligible": (green, "s"),
            "equivalent": (green, "s"),
        }.get(word, (self.palette.soft, "o"))
        decided = word in ("better", "worse", "equivalent", "negligible")
        filled = colour if decided else self.palette.paper
        return {"color": colour, "marker": marker, "markerfacecolor": filled}


@contextmanager
def drawing(look: Look, height: float) -> Iterator[Figure]:
    """A figure to draw into; on leaving, its layout is computed and then held.

    Args:
        look: width and colours.
        height: in inches.
    """
    with plain_settings(look.palette):
        figure = Figure(figsize=(look.width, height), layout="constrained")
        yield figure
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


@contextmanager
def plain_settings(palette: Palette = LIGHT) -> Iterator[None]:
    """Matplotlib as it comes, with our fonts and colours, and no text read as mathematics."""
    with mpl.rc_context():
        mpl.rcdefaults()
        for name, value in _settings(palette).items():
            mpl.rcParams[name] = value
        yield


def legend(figure: Figure, look: Look, handles: Sequence[Any], names: Sequence[str]) -> None:
    """A legend below everything, in as many columns as the names leave room for."""
    # A name that begins with "_" would silently be left out.
    safe = [f" {name}" if name.startswith("_") else name for name in names]
    figure.legend(handles, safe, loc="outside lower center", ncols=_columns(look, safe))


def legend_height(look: Look, names: Sequence[str]) -> float:
    """Inches that `legend` takes with these names."""
    return 0.1 + 0.14 * -(-len(names) // _columns(look, names))


def letters(inches: float) -> int:
    """How many usual letters of small text fit into a length."""
    return max(4, int(inches * 72 / (CHARACTER * SMALL)))


def _columns(look: Look, names: Sequence[str]) -> int:
    longest = max(map(length, names)) + 6
    return max(1, min(len(names), 4, int(letters(look.width) // longest)))


def bare(axes: Axes, *sides: str) -> None:
    """Take away the frame on these sides, and the ticks of both."""
    axes.spines[list(sides)].set_visible(False)


def _settings(palette: Palette) -> dict[Any, Any]:
    # Type 42 keeps the text of a PDF searchable and its glyphs embedded; publishers refuse
    # Type 3. In SVG glyphs become outlines: they look alike wherever the file is opened, and
    # need no font that the reader may lack.
    return {
        "text.parse_math": False,
        "text.usetex": False,
        "font.family": families(),
        "font.size": TEXT,
        "axes.titlesize": TEXT,
        "axes.labelsize": TEXT,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.fontsize": SMALL,
        "legend.frameon": False,
        "legend.handlelength": 2.2,
        "legend.labelspacing": 0.3,
        "legend.columnspacing": 1.2,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "lines.linewidth": 1.2,
        "lines.markersize": 4,
        "axes.formatter.useoffset": False,
        "axes.formatter.limits": (-5, 7),
        "axes.formatter.use_mathtext": False,
        "figure.facecolor": palette.paper,
        "axes.facecolor": palette.paper,
        "savefig.facecolor": palette.paper,
        "text.color": palette.ink,
        "axes.labelcolor": palette.ink,
        "axes.edgecolor": palette.ink,
        "axes.titlecolor": palette.ink,
        "xtick.color": palette.ink,
        "ytick.color": palette.ink,
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "path",
        "svg.hashsalt": "armbench",
    }
