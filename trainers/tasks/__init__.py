"""Data sets with their splits and their metric."""

from trainers.tasks.digits import Digits
from trainers.tasks.docstrings import Docstrings
from trainers.tasks.task import Examples, Split, Task

__all__ = ["Digits", "Docstrings", "Examples", "Split", "Task"]
