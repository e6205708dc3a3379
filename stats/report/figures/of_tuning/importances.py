"""How much each hyper-parameter matters to the objective of a search."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stats.errors import NotEnoughPairs
from stats.report.figures.drawing.labels import fitted
from stats.report.figures.drawing.style import SMALL, Look, drawing


def importances(shares: Mapping[str, float], *, title: str = "", look: Look = Look()) -> Figure:
    """Bars of shares of variance, the largest on top.

    Args:
        shares: of the variance of the objective, from 0 to 1, by hyper-parameter.
        title: the arm that was tuned.
        look: width and colours.

    Raises:
        NotEnoughPairs: no hyper-parameter.
    """
    if not shares:
        raise NotEnoughPairs("importances need at least one hyper-parameter")
    ordered = sorted(shares.items(), key=lambda item: item[1])
    with drawing(look, 0.65 + 0.2 * len(ordered) + 0.15 * bool(title)) as figure:
        axes = figure.add_subplot()
        names = fitted([name for name, _ in ordered], 34 if look.wide else 20)
        bars = axes.barh(
            range(len(ordered)), [s for _, s in ordered], 0.62, color=look.palette.arms[0]
        )
        axes.bar_label(bars, fmt="{:.2f}", padding=3, fontsize=SMALL)
        axes.set_yticks(range(len(ordered)), names)
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, max(0.01, 1.22 * ordered[-1][1]))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel("share of variance (fANOVA)")
        if title:
            figure.suptitle(fitted([title], int(look.width * 14))[0], fontsize="medium")
    return figure
