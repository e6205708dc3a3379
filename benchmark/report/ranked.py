"""All arms of a study among each other, as far as its seeds can tell any of them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.answer import answers
from stats import Judging, StatsError
from stats.many_arms.ranked_arms import Ranking
from stats.report.words import wording

if TYPE_CHECKING:
    import pandas as pd

#: Fewest arms of a model and init that are worth a ranking.
MANY_ARMS = 3


@dataclass(frozen=True)
class Ranked:
    """The rankings of a study, by its declared test and correction.

    Attributes:
        rankings: that could tell arms apart.
        without: for each other place why there is none, in words.
    """

    rankings: tuple[Ranking, ...]
    without: tuple[str, ...]


def ranked(scores: pd.DataFrame, judging: Judging, study: str) -> Ranked | None:
    """Rank the arms of each model and init, over tasks as the study pools them, or on each alone.

    Args:
        scores: the tidy table.
        judging: how, as the study declares.
        study: its name.

    Returns:
        None where no place has arms enough that a ranking would say more than its comparison.
    """
    alone = ["model", "init"] if judging.tasks else ["task", "model", "init"]
    rankings: list[Ranking] = []
    without: list[str] = []
    for place, part in scores.groupby(alone, sort=False):
        if part["method"].nunique() < MANY_ARMS:
            continue
        try:
            found = answers.rankings(part, None, judging, study)
        except StatsError as error:  # too few seeds without a gap
            title = wording.printable(" · ".join(map(str, place)))
            without.append(f"{title}: {error}.")
            continue
        rankings += [each for each in found if not each.out_of_reach]
        without += [f"{place_of(e)}: {e.out_of_reach}." for e in found if e.out_of_reach]
    return Ranked(tuple(rankings), tuple(without)) if rankings or without else None


def place_of(ranking: Ranking) -> str:
    """Where it was made: task, model and init, as far as it is of one."""
    named = filter(None, (ranking.task, ranking.model, ranking.init))
    return wording.printable(" · ".join(named))
