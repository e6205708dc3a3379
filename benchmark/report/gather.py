"""Everything that a report shows, read from the record of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from benchmark.answer import answers
from benchmark.answer.chance import notes_on_chance
from benchmark.answer.probed import Probed, judge_probes
from benchmark.record.environment import TrainedIn
from benchmark.record.of_study import declared_judging, runs_of, scores_table
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.study_record import RecordedCell, StudyRecord
from benchmark.report.calibrated import Calibrated, calibrated
from benchmark.report.ranked import Ranked, ranked
from benchmark.report.written import ArmTexts, written, wrote
from benchmark.tuning.notes import notes_on_tuning
from stats.changes.of_sweeps import SweepAnalysis
from stats.judging import Judging
from stats.many_tasks.pooled import Pooled
from stats.verdicts.analyse import Analysis
from stats.verdicts.collapse_table import CollapseAnalysis, analyse_collapse

if TYPE_CHECKING:
    import pandas as pd

#: Which arm on which task: what the seeds of a comparison share.
PLACE = ("model", "init", "method", "task")


@dataclass(frozen=True)
class Gathered:
    """A study's record, as far as a report needs it; what is slow to read is read when asked for.

    Attributes:
        record: of the study, as it was recorded.
        query: to the record of its runs.
        finished: the runs of its cells and all that these needed, by key.
        scores: the tidy table on test, with the status of every seed.
        judging: how, as the study declares.
        analysis: the verdicts on each task.
        pooled: those over the tasks, where the study declares that.
    """

    record: StudyRecord
    query: Query
    finished: Mapping[str, Recorded]
    scores: pd.DataFrame
    judging: Judging
    analysis: Analysis
    pooled: Pooled | None

    @property
    def verdicts(self) -> list[Analysis | Pooled]:
        """What the study declared to be judged by, in the order in which it is shown."""
        return [self.pooled, self.analysis] if self.pooled else [self.analysis]

    @cached_property
    def sweeps(self) -> list[SweepAnalysis]:
        """How far each ordered hyper-parameter may go, in the order in which it is shown."""
        record = self.record
        arms = record.baseline, record.candidates, record.sweeps
        return answers.swept_verdicts(self.scores, *arms, self.judging, record.study)

    @cached_property
    def probed(self) -> Probed | None:
        """What its probes say; None where it has none."""
        if not self.record.probes:
            return None
        return judge_probes(self.record, self.query, self.finished)

    @cached_property
    def notes(self) -> list[str]:
        """What is to be said beside the verdicts."""
        learned_nothing = notes_on_chance(self.record, self.scores, self.query, self.finished)
        mixed = TrainedIn.of(self.record, self.finished).notes()
        return [*mixed, *learned_nothing, *notes_on_tuning(self.record)]

    @cached_property
    def runs(self) -> list[tuple[RecordedCell, Recorded]]:
        """Every cell of the comparison that has finished, with its run."""
        return finished_cells(self.record, self.finished)

    @cached_property
    def ranked(self) -> Ranked | None:
        """All arms among each other; None where no model and init has three."""
        return ranked(self.scores, self.judging, self.record.study)

    @cached_property
    def collapses(self) -> CollapseAnalysis | None:
        """How often the arms of each comparison collapse; None where no run of theirs did."""
        baseline, candidates = self.record.baseline, self.record.candidates
        study = self.record.study
        found = analyse_collapse(self.scores, baseline, candidates, self.judging, study=study)
        shares = [(each.found.baseline, each.found.candidate) for each in found.candidates]
        return found if any(share.count for both in shares for share in both) else None

    def arms(self, model: str, init: str, task: str) -> dict[str, pd.Series[float]]:
        """Scores by seed of each arm of a model and init on a task."""
        scores = self.scores
        here = (scores["model"] == model) & (scores["init"] == init) & (scores["task"] == task)
        return {
            str(method): part.set_index("seed")["score"]
            for method, part in scores[here].groupby("method", sort=False)
        }

    def places(self) -> list[tuple[tuple[str, str, str], str]]:
        """Every model, init and task of the comparison, with what tells it from the others."""
        from stats.report.words import wording

        cells = self.record.cells
        found = list(dict.fromkeys((c.model, c.init, c.task) for c in cells))
        shared, titles = wording.places([(task, model, init) for model, init, task in found])
        return [(place, title or shared) for place, title in zip(found, titles, strict=True)]

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Dev after each epoch, as :func:`curves_of` has it."""
        return curves_of(self.runs, self.query)

    @cached_property
    def written(self) -> ArmTexts:
        """What each run wrote on test, where it wrote something."""
        return written(self.runs, self.query)

    @cached_property
    def calibrated(self) -> Calibrated:
        """How far the probabilities of each arm can be trusted."""
        return calibrated(self.runs, self.query)


def gather(
    record: StudyRecord, query: Query, finished: Mapping[str, Recorded] | None = None
) -> Gathered:
    """Read the scores of a study and judge them as it declares.

    Args:
        record: of the study.
        query: to the record of its runs.
        finished: the runs of its cells and all that these needed, where they have been read.

    Raises:
        StoreError: no run has its metric on test.
        StatsError: not one comparison has two pairs.
    """
    finished = runs_of(record, query) if finished is None else finished
    scores = scores_table(record, query, finished, None, "test")
    judging = declared_judging(record, None, "test")
    arms = record.baseline, record.candidates
    found = answers.verdicts(scores, *arms, judging, record.study)
    (analysis,) = (each for each in found if isinstance(each, Analysis))
    pooled = next((each for each in found if isinstance(each, Pooled)), None)
    return Gathered(record, query, finished, scores, judging, analysis, pooled)


def finished_cells(
    record: StudyRecord, finished: Mapping[str, Recorded]
) -> list[tuple[RecordedCell, Recorded]]:
    """Every cell of a comparison that has finished, with its run.

    Args:
        record: of the study.
        finished: runs by key.
    """
    return [(cell, finished[cell.key]) for cell in record.cells if cell.key in finished]


def curves_of(runs: Sequence[tuple[RecordedCell, Recorded]], query: Query) -> pd.DataFrame:
    """Dev after each epoch: the columns of a place, seed, epoch, metric, score.

    Of texts it is their likelihood that was looked at.

    Args:
        runs: cells, each with its run.
        query: to the record of them.
    """
    import pandas as pd

    rows = [
        {**cell.place, "seed": cell.seed, "epoch": epoch, "metric": metric, "score": score}
        for cell, run in runs
        for metric in ["nll" if wrote(run) else cell.metric]
        for epoch, score in query.curve(run.run_id, f"epoch/{metric}").items()
    ]
    return pd.DataFrame(rows, columns=[*PLACE, "seed", "epoch", "metric", "score"])
