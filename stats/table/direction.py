"""Whether more or less of a metric is better: as declared, else by the words of its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stats.errors import InvalidSetting
from stats.table.metric_words import (
    DOUBTFUL,
    FAMILIAR,
    HIGHER,
    HIGHER_PHRASES,
    LOWER,
    LOWER_PHRASES,
    NEGATIONS,
    SUSPECTS,
)

if TYPE_CHECKING:
    import pandas as pd

#: How a column of directions may be filled, in lower case.
DIRECTIONS = {
    **dict.fromkeys(("lower", "min", "minimize", "minimise", "less", "down", "↓"), "lower"),
    **dict.fromkeys(("higher", "max", "maximize", "maximise", "more", "up", "↑"), "higher"),
    "lower is better": "lower",
    "higher is better": "higher",
    "": "",
}

HOW = (
    "declare it: --lower-is-better or --higher-is-better, a column direction (lower or higher) in "
    "the scores, or lower_is_better=True or False"
)


#: One over something, which turns the direction of the word, unless it is a folder's name.
RECIPROCAL = re.compile(r"(?<![\w.])1(\.0*)?\s*/\s*[A-Za-z(]|(\^|\*\*)\s*\(?[-−]")


@dataclass(frozen=True)
class Direction:
    """Whether less is better, and what is to be said about how that is known."""

    lower_is_better: bool
    remarks: tuple[str, ...] = ()


def direction_of(table: pd.DataFrame, declared: bool | None = None) -> Direction:
    """The direction of the metrics of these scores.

    What is declared by an argument or by the column `direction` holds; else what the names of the
    metrics say; else more is taken as better, with a remark.

    Args:
        table: validated scores of the metrics that are looked at.
        declared: whether less is better; None if that is not said.

    Raises:
        InvalidSetting: declarations that contradict each other, metrics of different directions,
            or a name of which less may be better, without any declaration.
    """
    metrics: list[str] = table["metric"].drop_duplicates().tolist()
    if declared is not None and not isinstance(declared, bool):
        raise InvalidSetting(f"lower_is_better must be True, False or None, not {declared!r}")
    found = {metric: _declared(table, metric, declared) for metric in metrics}
    remarks = [_against_its_name(m, lower) for m, lower in found.items() if lower is not None]
    for metric in (name for name, lower in found.items() if lower is None):
        found[metric] = by_name(metric)
        if found[metric] is None and metric:
            remarks.append(
                f'nothing says of "{metric}" whether more is better; taken so. Else {HOW}'
            )
    if len({bool(lower) for lower in found.values()}) > 1:
        raise InvalidSetting(
            f"less is better for some of the metrics only ({_both(found)}): name one"
        )
    return Direction(any(found.values()), tuple(filter(None, remarks)))


def is_lower_better(metric: str) -> bool:
    """Whether less of this metric is better, by its name; False where the name does not say.

    Raises:
        InvalidSetting: the metric is no name, or one of which less may be better.

    >>> is_lower_better("accuracy"), is_lower_better("NLL"), is_lower_better("ece_scaled")
    (False, True, True)
    """
    return bool(by_name(metric))


def by_name(metric: str) -> bool | None:
    """Whether less of this metric is better, by the words of its name; None if they do not say.

    Raises:
        InvalidSetting: the metric is no name, or one of which less may be better.

    >>> [by_name(name) for name in ("val/logLoss", "eval_f1@10", "neg_rmse", "zeal")]
    [True, False, False, None]
    """
    if not isinstance(metric, str):
        raise InvalidSetting(f"metric must be a name, not {metric}")
    for arrow in "↓↑":
        if arrow in metric:
            return arrow == "↓"
    words, negated = _without_negation(words_of(metric), metric)
    lower = "doubtful" if RECIPROCAL.search(metric) else _of_words(words)
    if lower is True and set(words) & HIGHER and not _is_of(words, metric):
        lower = "doubtful"
    if lower == "doubtful" or (negated and lower is not True):
        raise InvalidSetting(
            f'less of "{metric}" may be better, and its name does not say so for sure: {HOW}'
        )
    return None if lower is None else bool(lower) != negated


def words_of(metric: str) -> list[str]:
    """The words of a name in lower case, apart at signs, blanks and capitals.

    >>> words_of("eval/testError@10"), words_of("rougeL-f1")
    (['eval', 'test', 'error'], ['rougel', 'f1'])
    """
    known = LOWER | HIGHER | DOUBTFUL | FAMILIAR
    words: list[str] = []
    metric = re.sub(r"(?i)(?<![a-z])r\s*(\^2|²)", "r2", re.sub(r"@\s*\w+", " ", metric))
    for chunk in re.findall(r"[^\W_]+", metric):
        if chunk.lower() in known:
            words.append(chunk.lower())
            continue
        words += [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[^\WA-Z_]+|.", chunk)]
    return [word for word in words if not word.isdigit()]


def _without_negation(words: list[str], metric: str) -> tuple[list[str], bool]:
    if _is_phrase(words, LOWER_PHRASES | HIGHER_PHRASES):
        return words, False
    signed = re.match(r"\s*((1|100)(\.0*)?\s*%?\s*)?[-−]\s*\w", metric) is not None
    first = next((i for i, word in enumerate(words) if word not in FAMILIAR), 0)
    if not words or words[first] not in NEGATIONS:
        return words, signed
    return words[:first] + words[first + 1 :], not signed


def _of_words(words: Sequence[str]) -> bool | str | None:
    """True where less is better, False where more is, "doubtful", None where no word is known."""
    told = [word for word in words if word not in FAMILIAR]
    if _is_phrase(words, LOWER_PHRASES):
        return True
    if _is_phrase(words, HIGHER_PHRASES):
        return False
    doubtful = [w for w in told if w in DOUBTFUL or (w not in LOWER | HIGHER and _suspect(w))]
    lower = [w for w in told if w in LOWER]
    higher = [w for w in told if w in HIGHER]
    if doubtful or (lower and len(told) > len(lower) + len(higher)):
        return "doubtful"
    if lower:
        return True if told[-1] in LOWER else "doubtful"
    if higher or (words and not told and words[-1] in ("score", "scores")):
        return False
    return None


def _is_of(words: Sequence[str], metric: str) -> bool:
    """Whether a word such as loss says what kind of it follows the other: "dice loss".

    "accuracy at the best loss" and "TPR at 1 % FPR" are no losses and no rates of errors.
    """
    if _is_phrase(words, LOWER_PHRASES):
        return True
    told = [word for word in words if word not in FAMILIAR]
    # "reward/loss" may be the loss of a reward model, and "test/dice_loss" is a dice loss.
    beside = words_of(metric.rpartition("/")[2])[-2:] == told
    return len(told) == 2 and beside and told[1] in LOWER


def _is_phrase(words: Sequence[str], phrases: frozenset[str]) -> bool:
    """Whether the name is one of these phrases, but for familiar words before or after it."""
    for first in range(len(words)):
        for last in range(first + 1, len(words) + 1):
            around = [*words[:first], *words[last:]]
            if " ".join(words[first:last]) in phrases and all(w in FAMILIAR for w in around):
                return True
    return False


def _suspect(word: str) -> bool:
    if word in ("fidelity", "gloss", "costar"):
        return False
    return any(word.startswith(each) or word.endswith(each) for each in SUSPECTS)


def _declared(table: pd.DataFrame, metric: str, declared: bool | None) -> bool | None:
    column = set(table.loc[table["metric"] == metric, "direction"]) - {""}
    name = f'"{metric}"' if metric else "the scores"
    if len(column) > 1:
        raise InvalidSetting(f"column direction: {name} is both lower and higher; it can be one")
    if not column:
        return declared
    lower = str(column.pop()) == "lower"
    if declared not in (None, lower):
        raise InvalidSetting(
            f"{'lower' if declared else 'higher'} is better as declared, but "
            f"{'lower' if lower else 'higher'} by the column direction of {name}: correct one"
        )
    return lower


def _against_its_name(metric: str, lower: bool) -> str:
    try:
        known = by_name(metric)
    except InvalidSetting:
        return ""
    if known in (None, lower):
        return ""
    less, more = ("less", "more") if lower else ("more", "less")
    return f'{less} of "{metric}" is better as declared; by its name {more} would be'


def _both(found: dict[str, bool | None]) -> str:
    return ", ".join(
        f"{name or 'no name'}: {'less' if low else 'more'}" for name, low in found.items()
    )
