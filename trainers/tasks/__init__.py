"""Data sets with their splits and their metric."""

from trainers.tasks.digits import Digits
from trainers.tasks.docstrings import Docstrings
from trainers.tasks.few_rel import FewRel
from trainers.tasks.image import ImageTask
from trainers.tasks.named import banking77, cifar100, glue, sst5, trec
from trainers.tasks.parts import Part
from trainers.tasks.task import Examples, Split, Task
from trainers.tasks.text import TextTask
from trainers.tasks.texts import Texts

__all__ = [
    "Digits",
    "Docstrings",
    "Examples",
    "FewRel",
    "ImageTask",
    "Part",
    "Split",
    "Task",
    "TextTask",
    "Texts",
    "banking77",
    "cifar100",
    "glue",
    "sst5",
    "trec",
]
