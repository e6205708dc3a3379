"""All arms of a study among each other, as far as its seeds can tell any of them apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.answer import answers
from stats import Judging, StatsError
from stats.many_arms.ranked_arms import Ranking
from stats.report.sections.several_arms import ranking_sheet
from stats.report.sheet import Sheet
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


def ranked(scores: "pd.DataFrame", judging: Judging, study: str) -> Ranked | None:
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
        rankings += [each for each in found if each.can_decide]
        without += [f"{_place(each)}: {_reason(each)}." for each in found if not each.can_decide]
    return Ranked(tuple(rankings), tuple(without)) if rankings or without else None


def ranked_sheet(found: Ranked) -> Sheet:
    """All rankings as one sheet; where there is none, why."""
    sheets = [ranking_sheet(each) for each in found.rankings]
    places = [_place(each) for each in found.rankings]
    return Sheet(
        kind="ranking",
        title="All arms among each other",
        header=(
            *_said_once(places, [sheet.header for sheet in sheets]),
            *([_FAMILY] if any(e.settings.correction != "none" for e in found.rankings) else []),
            *(
                [_BLOCKS]
                if any("dropped seed" in w for e in found.rankings for w in e.warnings)
                else []
            ),
            *(f"Not ranked: {each}" for each in found.without),
        ),
        tables=tuple(table for sheet in sheets for table in sheet.tables),
        records=tuple(record for sheet in sheets for record in sheet.records),
        whole={"rankings": [sheet.whole for sheet in sheets], "not ranked": found.without},
        warnings=tuple(dict.fromkeys(line for sheet in sheets for line in sheet.warnings)),
    )


_FAMILY = (
    "The family is all pairs, which is larger than that of the comparisons with the baseline: a "
    "verdict above may stand where the pair is not told apart here. The verdict is the answer to "
    "the question of the study."
)

_BLOCKS = (
    "Means and differences here are of the seeds that all methods have; a comparison above takes "
    "all seeds of its own two."
)


def _place(ranking: Ranking) -> str:
    named = filter(None, (ranking.task, ranking.model, ranking.init))
    return wording.printable(" · ".join(named))


def _reason(ranking: Ranking) -> str:
    return next(each for each in ranking.warnings if "can never reach" in each)


def _said_once(places: Sequence[str], headers: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of several headers: what all say is said once, what differs with its place."""
    for lines in zip(*headers, strict=True):
        if len(set(lines)) == 1:
            yield lines[0]
        else:
            yield from (f"{place}: {line}" for place, line in zip(places, lines, strict=True))
