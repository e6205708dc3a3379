"""The data sets of arXiv 2205.12428, and two of short questions, by their names on the hub.

Where the hub has no labelled test or no validation set, one is carved out of train, in the
proportions of the classes. Change a part with `dataclasses.replace`, for instance
`replace(sst5(), train=Part("train", 64))`.
"""

from __future__ import annotations

from typing import Literal

from trainers.tasks.elsewhere.image import ImageTask
from trainers.tasks.elsewhere.text import TextTask
from trainers.tasks.parts import Part

Glue = Literal["cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte"]

#: Text columns, metric, and the number of test examples carved out of train: as many as there are
#: for validation. MRPC's test labels are public, and its own test set is used.
_GLUE: dict[Glue, tuple[str | tuple[str, str], str, int]] = {
    "cola": ("sentence", "matthews", 1_043),
    "sst2": ("sentence", "accuracy", 872),
    "mrpc": (("sentence1", "sentence2"), "f1", 0),
    "qqp": (("question1", "question2"), "accuracy", 40_430),
    "mnli": (("premise", "hypothesis"), "accuracy", 9_815),
    "qnli": (("question", "sentence"), "accuracy", 5_463),
    "rte": (("sentence1", "sentence2"), "accuracy", 277),
}
_GLUE_CLASSES: dict[Glue, tuple[str, ...]] = {
    "cola": ("unacceptable", "acceptable"),
    "sst2": ("negative", "positive"),
    "mrpc": ("not_equivalent", "equivalent"),
    "qqp": ("not_duplicate", "duplicate"),
    "mnli": ("entailment", "neutral", "contradiction"),
    "qnli": ("entailment", "not_entailment"),
    "rte": ("entailment", "not_entailment"),
}


def glue(name: Glue) -> TextTask:
    """One of the seven tasks of GLUE (Wang et al. 2019) with its own metric.

    The test labels are hidden but for MRPC's; a test set as large as the validation set is carved
    out of train. MNLI is validated on its matched genres.

    >>> glue("rte").test
    Part(split='train', size=277, per_class=False)
    """
    text, metric, carved = _GLUE[name]
    return TextTask(
        "nyu-mll/glue",
        config=name,
        text=text,
        class_names=_GLUE_CLASSES[name],
        dev=Part("validation_matched" if name == "mnli" else "validation"),
        test=Part("train", carved) if carved else Part("test"),
        metric=metric,
        name=name,
    )


def sst5() -> TextTask:
    """Sentences of film reviews in five degrees (Socher et al. 2013): 8,544, 1,101 and 2,210."""
    degrees = ("very negative", "negative", "neutral", "positive", "very positive")
    return TextTask("SetFit/sst5", class_names=degrees, name="sst5")


def trec(classes: Literal[6, 50] = 6) -> TextTask:
    """What a question asks for (Li and Roth 2002), in 6 or in 50 classes.

    500 of the 5,452 training questions are set aside for validation; the test set has 500.
    """
    column = {6: "coarse_label", 50: "fine_label"}[classes]
    return TextTask("CogComp/trec", label=column, dev=Part("train", 500), name=f"trec/{classes}")


def banking77() -> TextTask:
    """What a bank's customer wants (Casanueva et al. 2020), in 77 classes.

    A tenth of the 10,003 training questions is set aside for validation; the test set has 3,080.
    """
    return TextTask("PolyAI/banking77", dev=Part("train", 0.1), name="banking77")


def cifar100() -> ImageTask:
    """Small photographs in 100 classes (Krizhevsky 2009), a tenth of train for validation."""
    return ImageTask(
        "uoft-cs/cifar100", image="img", label="fine_label", dev=Part("train", 0.1), name="cifar100"
    )
