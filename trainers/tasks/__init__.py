"""Data sets with their splits and their metric."""

from __future__ import annotations

from trainers.tasks.decoding import Decoding
from trainers.tasks.elsewhere.corpus import Texts
from trainers.tasks.elsewhere.generation import GenerationTask
from trainers.tasks.elsewhere.image import ImageTask
from trainers.tasks.elsewhere.text import TextTask
from trainers.tasks.embedded.digits import Digits
from trainers.tasks.embedded.docstrings import Docstrings
from trainers.tasks.embedded.summaries import DocstringSummary
from trainers.tasks.paper.few_rel import FewRel
from trainers.tasks.paper.named import banking77, cifar100, glue, sst5, trec
from trainers.tasks.paper.summarisation import cnn_dailymail, gigaword, reddit_tifu
from trainers.tasks.parts import Part
from trainers.tasks.task import Examples, Split, Task

__all__ = [
    "Decoding",
    "Digits",
    "DocstringSummary",
    "Docstrings",
    "Examples",
    "FewRel",
    "GenerationTask",
    "ImageTask",
    "Part",
    "Split",
    "Task",
    "TextTask",
    "Texts",
    "banking77",
    "cifar100",
    "cnn_dailymail",
    "gigaword",
    "glue",
    "reddit_tifu",
    "sst5",
    "trec",
]
