"""armbench's core: declare a study, plan its runs, execute and track them."""

from benchmark.analysis import Analysis
from benchmark.search import Range, Search, Tuning
from benchmark.study import Arm, Comparison, Study

__all__ = ["Analysis", "Arm", "Comparison", "Range", "Search", "Study", "Tuning"]
