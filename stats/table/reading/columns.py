"""Columns of other programs' tables: under the names that are known here, or proposed for them."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence

from stats.errors import ScoresError

#: What other programs and people call a column, in lower case, without what separates its words.
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "method": (
        *("method", "algorithm", "algo", "arm", "approach", "variant", "strategy", "optimizer"),
        *("treatment", "condition", "runname", "displayname", "group", "name"),
    ),
    "seed": ("seed", "randomseed", "randomstate", "rngseed", "replicate", "repeat", "trial", "run"),
    "score": ("score", "value", "result", "performance"),
    "task": ("task", "taskname", "dataset", "datasetname", "benchmark", "data"),
    "model": ("model", "modelname", "architecture", "arch", "backbone", "modelnameorpath"),
    "init": ("init", "initialisation", "initialization", "checkpoint", "pretrained"),
    "split": ("split", "subset", "partition", "evalset"),
    "metric": ("metric", "metricname", "measure"),
}
#: Metrics that a column of scores is often called after, the same way.
_METRICS = ("accuracy", "acc", "f1", "auc", "auroc", "bleu", "rouge", "loss", "error", "mcc", "em")


def renamed(header: Sequence[str], columns: Mapping[str, str], source: str) -> list[str]:
    """The names of columns, with those that somebody named under the names that are known here.

    A column that has a known name, and which another one is now said to be, keeps it with
    " (not read)" behind it.

    Args:
        header: of the file.
        columns: by known name, what the file calls it.
        source: the file, as messages call it.

    Raises:
        ScoresError: a name that is not known here, or a column that the file does not have.

    >>> renamed(["Name", "method", "n"], {"method": "Name", "seed": "n"}, "x.csv")
    ['method', 'method (not read)', 'seed']
    """
    for known, name in columns.items():
        if known not in MEANINGS:
            raise ScoresError(
                f'"{known}" is no column of scores; they are {", ".join(MEANINGS)}, as in '
                f'method="{name}"'
            )
        if name not in header:
            near = difflib.get_close_matches(name, header, 1)
            meant = f'; did you mean "{near[0]}"?' if near else f"; it has {', '.join(header)}"
            raise ScoresError(f'{source}: no column "{name}" to be the {known}{meant}')
    if len({*columns.values()}) < len(columns):
        raise ScoresError(f"{source}: one column is said to be two: {asked(columns)}")
    new = {name: known for known, name in columns.items()}
    taken = {known for known, name in columns.items() if name != known}
    return [new.get(each, f"{each} (not read)" if each in taken else each) for each in header]


def proposed(
    header: Sequence[str], missing: Sequence[str], is_number: Callable[[str], bool]
) -> dict[str, str]:
    """For columns that are missing, those that are likely meant.

    The last part of a name counts, so that "config.seed" and "params.seed" are seeds. Names that
    mean it more surely go first.

    Args:
        header: of the file.
        missing: known names.
        is_number: whether a column holds numbers alone.

    >>> proposed(["run_id", "params.method", "Random State", "test/acc"],
    ...          ["method", "seed", "score"], lambda name: name == "test/acc")
    {'method': 'params.method', 'seed': 'Random State', 'score': 'test/acc'}
    """
    found: dict[str, str] = {}
    free = [name for name in header if name not in MEANINGS]
    for known in missing:
        meanings = MEANINGS[known]
        ranked = sorted(
            (meanings.index(_plain(name)), i)
            for i, name in enumerate(free)
            if _plain(name) in meanings and (known != "score" or is_number(name))
        )
        if ranked:
            found[known] = free[ranked[0][1]]
        elif known == "score" and (called := _after_a_metric(free, is_number)):
            found[known] = called
    return found


def asked(columns: Mapping[str, str]) -> str:
    """As the command line takes it.

    >>> asked({"method": "Name", "score": "test acc"})
    "--columns method=Name 'score=test acc'"
    """
    return shlex.join(["--columns", *(f"{known}={name}" for known, name in columns.items())])


def _after_a_metric(names: Sequence[str], is_number: Callable[[str], bool]) -> str:
    """A column of numbers that is called after a metric, that of test first."""
    likely = [n for n in names if is_number(n) and set(_words(n)) & {*_METRICS}]
    likely.sort(key=lambda name: "test" not in _words(name))
    return likely[0] if likely else ""


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", re.split(r"[./:]", name.strip().lower())[-1])


def _words(name: str) -> list[str]:
    return re.split(r"[\W_]+", name.strip().lower())
