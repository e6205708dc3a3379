"""armbench's core: declare a study, plan its runs, execute and track them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import benchmark.own_packages  # noqa: F401 - before anything asks for stats and trainers
from benchmark.declare.arm import Arm
from benchmark.declare.chains import After, chain
from benchmark.declare.probes import Probes
from benchmark.declare.search import Range, Search, Tuning
from benchmark.declare.study import Comparison, Study

if TYPE_CHECKING:
    from benchmark.from_python.running import run
    from benchmark.from_python.study_results import StudyResults, load
    from stats import Judging

__all__ = [
    "After",
    "Arm",
    "Comparison",
    "Judging",
    "Probes",
    "Range",
    "Search",
    "Study",
    "StudyResults",
    "Tuning",
    "chain",
    "load",
    "run",
]

#: Where each name stands whose import takes a second.
_FROM = {
    "Judging": "stats",
    "StudyResults": "benchmark.from_python.study_results",
    "load": "benchmark.from_python.study_results",
    "run": "benchmark.from_python.running",
}


def __getattr__(name: str) -> Any:
    """What takes a second to import, for those who ask for it."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_FROM[name]), name)
