"""How many examples the test sets have that published tables are full of."""

from __future__ import annotations

import re

#: GLUE (Wang et al. 2018; MNLI matched and mismatched apart), SST-5 (Socher et al. 2013), FewRel as
#: 64 relations with 100 examples each for dev and test, CIFAR (Krizhevsky 2009).
SIZES: dict[str, dict[str, int]] = {
    "cola": {"dev": 1043, "test": 1063},
    "sst2": {"dev": 872, "test": 1821},
    "mrpc": {"dev": 408, "test": 1725},
    "qqp": {"dev": 40430, "test": 390965},
    "mnli": {"dev": 9815, "test": 9796},
    "mnlimm": {"dev": 9832, "test": 9847},
    "qnli": {"dev": 5463, "test": 5463},
    "rte": {"dev": 277, "test": 3000},
    "wnli": {"dev": 71, "test": 146},
    "sst5": {"dev": 1101, "test": 2210},
    "fewrel": {"dev": 6400, "test": 6400},
    "cifar10": {"test": 10000},
    "cifar100": {"test": 10000},
}

SPLITS = dict.fromkeys(("dev", "val", "valid", "validation", "development"), "dev")
SPLITS |= {"test": "test", "train": "train"}
"""Splits by their usual names."""


def test_set_size(task: str, split: str) -> int | None:
    """Examples of a well-known test set; None where the task or split is not known.

    >>> test_set_size("SST-2", "validation"), test_set_size("sst-2", "test")
    (872, 1821)
    """
    return SIZES.get(letters(task), {}).get(SPLITS.get(letters(split), ""))


def letters(name: str) -> str:
    """A name without case, blanks and signs.

    >>> letters("SST-2")
    'sst2'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())
