"""armbench's core: declare a study, plan its runs, execute and track them."""

from benchmark.study import Arm, Comparison, Study

__all__ = ["Arm", "Comparison", "Study"]
