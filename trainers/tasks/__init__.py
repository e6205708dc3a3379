"""Data sets with their splits and their metric."""

from trainers.tasks.task import Examples, Split, Task

__all__ = ["Examples", "Split", "Task"]
