"""Figures of results: each function takes what `stats` returns and gives a matplotlib Figure.

>>> from stats import compare
>>> from stats.report.figures import forest, to_svg
>>> kd = compare([61.2, 60.4, 62.0, 60.9], [62.9, 61.5, 63.1, 62.8], margin=0.5)
>>> to_svg(forest([kd], margin=0.5)).startswith("<?xml")
True
"""

from stats.report.figures.estimation import estimation
from stats.report.figures.files import file_name, save, to_svg
from stats.report.figures.forest import MOST_ROWS, forest
from stats.report.figures.slopes import slopes
from stats.report.figures.style import COLUMN, PAGE, Look

__all__ = [
    "COLUMN",
    "MOST_ROWS",
    "PAGE",
    "Look",
    "estimation",
    "file_name",
    "forest",
    "save",
    "slopes",
    "to_svg",
]
