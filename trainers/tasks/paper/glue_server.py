"""What GLUE's server wants of each task: the file's name, the hidden split, the labels' words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from trainers.tasks.elsewhere.text import TextTask
from trainers.tasks.task import Task

#: Every file that the server looks for in a zip.
FILES = (
    *("AX.tsv", "CoLA.tsv", "MNLI-m.tsv", "MNLI-mm.tsv", "MRPC.tsv", "QNLI.tsv", "QQP.tsv"),
    *("RTE.tsv", "SST-2.tsv", "STS-B.tsv", "WNLI.tsv"),
)
#: By configuration of the hub's data set: file and hidden split.
_ASKED = {
    "cola": (("CoLA.tsv", "test"),),
    "mnli": (("MNLI-m.tsv", "test_matched"), ("MNLI-mm.tsv", "test_mismatched")),
    "mrpc": (("MRPC.tsv", "test"),),
    "qnli": (("QNLI.tsv", "test"),),
    "qqp": (("QQP.tsv", "test"),),
    "rte": (("RTE.tsv", "test"),),
    "sst2": (("SST-2.tsv", "test"),),
}
#: Tasks whose labels the server wants as words; of the others it wants 0 and 1.
_IN_WORDS = ("mnli", "qnli", "rte")


@dataclass(frozen=True)
class ServerFile:
    """One file of a submission.

    Attributes:
        name: of the file in the zip.
        split: of the data set, whose labels are hidden.
        labels: what stands for each class.
    """

    name: str
    split: str
    labels: tuple[str, ...]


def server_files(task: Task) -> tuple[ServerFile, ...]:
    """The files that the server wants of a task; none if it is not one of GLUE's.

    >>> from trainers.tasks import glue
    >>> [(file.name, file.labels[0]) for file in server_files(glue("rte"))]
    [('RTE.tsv', 'entailment')]
    """
    if not isinstance(task, TextTask) or PurePosixPath(str(task.data)).parts[-1:] != ("glue",):
        return ()
    words = task.class_names if task.config in _IN_WORDS else ("0", "1")
    return tuple(ServerFile(name, split, words) for name, split in _ASKED.get(task.config, ()))
