"""The rankings of a study as one sheet of its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmark.report.ranked import Ranked, place_of
from stats.report.sections.several_arms import ranking_sheet
from stats.report.sheet import Sheet


def ranked_sheet(found: Ranked) -> Sheet:
    """All rankings as one sheet; where there is none, why."""
    sheets = [ranking_sheet(each) for each in found.rankings]
    places = [place_of(each) for each in found.rankings]
    return Sheet(
        kind="ranking",
        title="All arms among each other",
        header=(
            *_said_once(places, [sheet.header for sheet in sheets]),
            *([_FAMILY] if any(e.settings.correction != "none" for e in found.rankings) else []),
            *([_BLOCKS] if any(each.seeds_dropped for each in found.rankings) else []),
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


def _said_once(places: Sequence[str], headers: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of several headers: what all say is said once, what differs with its place."""
    for lines in zip(*headers, strict=True):
        if len(set(lines)) == 1:
            yield lines[0]
        else:
            yield from (f"{place}: {line}" for place, line in zip(places, lines, strict=True))
