"""armbench's core: declare a study, plan its runs, execute and track them."""

from benchmark.declare.analysis import Analysis
from benchmark.declare.search import Range, Search, Tuning
from benchmark.declare.study import Arm, Comparison, Study

__all__ = ["Analysis", "Arm", "Comparison", "Range", "Search", "Study", "Tuning"]
