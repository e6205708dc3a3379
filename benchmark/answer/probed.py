"""What the probes of a study say: verdicts at each link, and how scores move along a chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.record.of_study import declared_judging, scores_table
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.study_record import StudyRecord
from benchmark.runs.probed import RANDOM, UNTOUCHED

if TYPE_CHECKING:
    import pandas as pd

    from stats import Judging
    from stats.changes.of_links import LinkAnalysis
    from stats.verdicts.analyse import Analysis


@dataclass(frozen=True)
class Probed:
    """Scores of probes, and what comes of them.

    Attributes:
        record: whose cells are the probes, see :meth:`StudyRecord.of_probes`.
        scores: the tidy table of arms and anchors.
        analysis: the verdicts at each link; None where not one comparison has two pairs.
        links: how scores move along each chain; of the tasks that are probed at the same links
            together.
        unsaid: what could not be judged and why, a sentence each.
    """

    record: StudyRecord
    scores: pd.DataFrame
    analysis: Analysis | None
    links: tuple[LinkAnalysis, ...]
    unsaid: tuple[str, ...]


def judge_probes(record: StudyRecord, query: Query, finished: Mapping[str, Recorded]) -> Probed:
    """Judge the probes of a study as it declares for its runs.

    Args:
        record: of the study.
        query: to the record of its runs.
        finished: the runs of its probes and all that these needed, by key.

    Raises:
        StoreError: it has no probes.
    """
    from stats import StatsError, analyse

    probes = record.of_probes()
    scores = scores_table(probes, query, finished, None, "test", required=False)
    judging = declared_judging(probes, None, "test")
    unsaid: list[str] = []
    analysis = None
    try:
        of_arms = without_anchors(scores)
        arms = probes.baseline, probes.candidates
        analysis = analyse(of_arms, *arms, judging, study=probes.study, between_inits=False)
    except StatsError as error:
        unsaid.append(f"no verdict on probes: {error}")
    links = []
    for each in chained(probes, scores):
        try:
            links.append(each.analysed(probes, judging))
        except StatsError as error:
            unsaid.append(f"no trend over the links of {each.told}: {error}")
    return Probed(probes, scores, analysis, tuple(links), tuple(unsaid))


def without_anchors(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores of arms alone."""
    return scores[~scores["method"].isin([UNTOUCHED, RANDOM])]


@dataclass(frozen=True)
class Chained:
    """Scores along a chain, of tasks that are probed at the same links.

    Attributes:
        scores: those of arms; at link 0 each has that of the encoder that it starts from.
        links: the number of each link, by the init that stands for it.
    """

    scores: pd.DataFrame
    links: Mapping[str, int]

    @property
    def told(self) -> str:
        """Which tasks."""
        return ", ".join(self.scores["task"].unique())

    def analysed(self, record: StudyRecord, judging: Judging) -> LinkAnalysis:
        """Its trends.

        Raises:
            StatsError: too few scores are there.
        """
        from stats.changes.of_links import analyse_links

        arms = record.baseline, record.candidates
        return analyse_links(self.scores, *arms, self.links, judging, study=record.study)


def chained(record: StudyRecord, scores: pd.DataFrame) -> Iterator[Chained]:
    """The chains of a study that is probed at every link; none of one that is probed at the end.

    Args:
        record: from :meth:`StudyRecord.of_probes`.
        scores: of its probes.
    """
    for chain in record.chains:
        rows = _along(chain, scores)
        by_links: dict[tuple[str, ...], list[str]] = {}
        for task, part in rows.groupby("task", sort=False):
            there = set(part["init"])
            by_links.setdefault(tuple(n for n in chain if n in there), []).append(str(task))
        for names, tasks in by_links.items():
            if len(names) > 1:
                numbers = {name: chain.index(name) for name in names}
                yield Chained(rows[rows["task"].isin(tasks)], numbers)


def _along(chain: tuple[str, ...], scores: pd.DataFrame) -> pd.DataFrame:
    """The scores of arms on a chain, with that of the untouched encoder for each at link 0."""
    import pandas as pd

    start, *trained = chain
    own = without_anchors(scores)
    own = own[own["init"].isin(trained)]
    anchors = scores[(scores["init"] == start) & scores["method"].isin([UNTOUCHED, RANDOM])]
    arms = own[["model", "method"]].drop_duplicates()
    first = anchors.drop(columns="method").merge(arms, on="model")
    return pd.concat([first[own.columns], own], ignore_index=True)
