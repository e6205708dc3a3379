"""Figures of results: each function takes what `stats` returns and gives a matplotlib Figure.

>>> from stats import compare
>>> from stats.report.figures import forest, to_svg
>>> kd = compare([61.2, 60.4, 62.0, 60.9], [62.9, 61.5, 63.1, 62.8], margin=0.5)
>>> to_svg(forest([kd], margin=0.5)).startswith("<?xml")
True
"""

from __future__ import annotations

from stats.report.figures.drawing.files import file_name, save, to_svg
from stats.report.figures.drawing.style import COLUMN, PAGE, Look
from stats.report.figures.of_arms.cost import Cost, cost
from stats.report.figures.of_arms.critical_difference import critical_difference
from stats.report.figures.of_arms.learning_curves import learning_curves
from stats.report.figures.of_arms.profiles import profiles
from stats.report.figures.of_arms.reliability import reliability
from stats.report.figures.of_comparisons.dose_response import dose_response
from stats.report.figures.of_comparisons.estimation import estimation
from stats.report.figures.of_comparisons.forest import MOST_ROWS, forest
from stats.report.figures.of_comparisons.interaction import interaction
from stats.report.figures.of_comparisons.link_curves import link_curves
from stats.report.figures.of_comparisons.slopes import slopes
from stats.report.figures.of_comparisons.sweep_curves import sweep_curves
from stats.report.figures.of_tuning.expected_best import expected_best
from stats.report.figures.of_tuning.importances import importances
from stats.report.figures.of_tuning.parallel_coordinates import Coordinate, parallel_coordinates
from stats.report.figures.of_tuning.search_history import search_history

__all__ = [
    "COLUMN",
    "MOST_ROWS",
    "PAGE",
    "Coordinate",
    "Cost",
    "Look",
    "cost",
    "critical_difference",
    "dose_response",
    "estimation",
    "expected_best",
    "file_name",
    "forest",
    "importances",
    "interaction",
    "learning_curves",
    "link_curves",
    "parallel_coordinates",
    "profiles",
    "reliability",
    "save",
    "search_history",
    "slopes",
    "sweep_curves",
    "to_svg",
]
