"""What came of a study, as tables: scores, verdicts, rankings, curves, predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.answer.asked import over_all_tasks
from benchmark.errors import BenchmarkError, StoreError
from benchmark.record.of_study import runs_of, scores_table
from benchmark.record.predictions import Predictions, read_predictions
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.studies import recorded_study
from benchmark.record.study_record import RecordedCell, StudyRecord
from benchmark.record.written import WrittenTexts, read_written
from benchmark.report.gather import Gathered, curves_of, finished_cells, gather
from benchmark.report.names import folder_name
from benchmark.report.written import wrote
from benchmark.store.connection import Connection
from benchmark.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.from_python.plots import Plots
    from stats.verdicts.analyse import Analysis


def load(
    study: str | PathLike[str] | None = None, *, store: str | PathLike[str] | None = None
) -> StudyResults:
    """What is recorded of a study, whether it was run from here or by `bench run`.

    Args:
        study: its name or its file; None for the study last run.
        store: folder or MLflow URI of the record; None for MLFLOW_TRACKING_URI, else mlruns here.

    Raises:
        StoreError: there is no such record, or no such study in it.
    """
    found = Store.choose(None if store is None else str(store))
    found.require()
    query = Query(Connection(found))
    return StudyResults(recorded_study(query, None if study is None else str(study)), query)


@dataclass(frozen=True, repr=False)
class StudyResults:
    """What is recorded of a study, as it was when it is first asked for.

    Tables are pandas DataFrames; what `stats` itself returns is `analysis`.

    Attributes:
        record: what the study declared, and the key of every run.
        query: to the record of its runs.
    """

    record: StudyRecord
    query: Query

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row for each arm, task and seed; what has not finished has NaN, and says why.

        Columns arm, model, init, method, task, seed, split, metric, score, status; in points of
        the metric, on test.
        """
        table = scores_table(self.record, self.query, self._finished, None, "test", required=False)
        table.insert(0, "arm", [cell.arm for cell in self.record.cells])
        return table

    @property
    def verdicts(self) -> pd.DataFrame:
        """A row for each comparison, as `bench stats --format csv` has it.

        Where the study judges over its tasks, those verdicts come first, and "tasks" says how they
        were taken together; of a verdict on one task it says "each".

        Raises:
            StoreError: no run has its metric.
            StatsError: no comparison has two pairs.
        """
        import pandas as pd

        from stats.report import SHEETS

        return pd.DataFrame(
            [row for each in self._gathered.verdicts for row in SHEETS[type(each)](each).records]
        )

    @property
    def interactions(self) -> pd.DataFrame:
        """Whether effects differ between inits: a row for each candidate and pair of inits.

        Raises:
            StoreError: no run has its metric.
            StatsError: no comparison has two pairs.
        """
        import pandas as pd

        from stats.changes.interaction import Interaction

        columns = [each.name for each in fields(Interaction)]
        rows = [[getattr(each, name) for name in columns] for each in self.analysis.interactions]
        return pd.DataFrame(rows, columns=columns)

    @property
    def analysis(self) -> Analysis:
        """What `stats.analyse` says of the scores, judged as the study declares, on each task.

        Raises:
            StoreError: no run has its metric.
            StatsError: no comparison has two pairs.
        """
        return self._gathered.analysis

    def ranking(self) -> pd.DataFrame:
        """All arms among each other, best mean rank first: a row for each on a model and init.

        On each task, or over them as the study declares.

        Raises:
            BenchmarkError: no model and init has three arms, or seeds enough for them.
        """
        import pandas as pd

        from stats.report import SHEETS

        found = self._gathered.ranked
        if found is None:
            raise BenchmarkError("a ranking takes three arms of one model and init; see verdicts.")
        if not found.rankings:
            raise BenchmarkError(" ".join(found.without))
        return pd.DataFrame(
            [row for each in found.rankings for row in SHEETS[type(each)](each).records]
        )

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Scores on dev after each epoch: model, init, method, task, seed, epoch, metric, score."""
        return curves_of(finished_cells(self.record, self._finished), self.query)

    def predictions(
        self, arm: str, seed: int, *, task: str | None = None, split: str = "test"
    ) -> Predictions | WrittenTexts:
        """What a run said of each example: logits and labels, or the texts that it wrote.

        Args:
            arm: a method, or as in "kd · pretrained", or with its model behind that.
            seed: of the study.
            task: its name, where there are several.
            split: "dev" or "test".

        Raises:
            StoreError: there is no such run, it has not finished, or left no predictions.
        """
        cell = self._cell(arm, seed, task)
        run = self._finished.get(cell.key)
        called = f'"{cell.arm}" on {cell.task} at seed {seed}'
        if run is None:
            raise StoreError(f'study "{self.record.study}": {called} has not finished.')
        read = read_written if wrote(run) else read_predictions
        found = read(self.query, run, split)
        if found is None:
            raise StoreError(f'study "{self.record.study}": {called} left no predictions.')
        return found

    def report(self, folder: str | PathLike[str] | None = None) -> Path:
        """Write the page, its figures and its data, as `bench report` does.

        Args:
            folder: where to; None for reports/STUDY here.

        Returns:
            The page.

        Raises:
            BenchmarkError: the folder cannot be written, or there is nothing to judge.
        """
        from benchmark.report.files import write_report  # matplotlib, which a verdict does not need

        to = Path("reports") / folder_name(self.record.study) if folder is None else Path(folder)
        write_report(self._gathered, to)
        return to / "report.html"

    @property
    def plot(self) -> Plots:
        """The figures of the report, each by a function that returns it.

        Raises:
            StoreError: no run has its metric.
            StatsError: no comparison has two pairs.
        """
        from benchmark.from_python.plots import Plots  # matplotlib, which tables do not need

        return Plots(self._gathered)

    def __repr__(self) -> str:
        """The verdicts as `bench stats` prints them; why there are none, where there are none."""
        return self._rendered("table").rstrip("\n")

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return self._rendered("html")

    def _rendered(self, form: str) -> str:
        from stats.errors import StatsError
        from stats.report import render

        try:
            gathered = self._gathered
            results, _ = over_all_tasks([*gathered.verdicts, *gathered.sweeps])
            return render(results, form, notes=gathered.notes)
        except (StoreError, StatsError) as error:
            told = f"study {self.record.study}: {self._standing()}; no verdict: {error}"
            return f"<p>{escape(told)}</p>" if form == "html" else told

    def _standing(self) -> str:
        cells = self.record.cells
        done = sum(cell.key in self._finished for cell in cells)
        return f"{done} of {len(cells)} runs finished"

    @cached_property
    def _finished(self) -> Mapping[str, Recorded]:
        return runs_of(self.record, self.query)

    @cached_property
    def _gathered(self) -> Gathered:
        return gather(self.record, self.query, self._finished)

    def _cell(self, arm: str, seed: int, task: str | None) -> RecordedCell:
        """The cell of these names.

        Raises:
            StoreError: there is none, or there are several.
        """
        cells = self.record.cells
        of_arm = self._some([c for c in cells if arm in c.arm_names], f'arm "{arm}"', "arm")
        told = f'task "{task}" for that arm'
        on_task = self._some([c for c in of_arm if task in (None, c.task)], told, "task")
        of_seed = self._some([c for c in on_task if c.seed == seed], f"seed {seed}", "seed")
        if len(of_seed) > 1:
            told = "; ".join(f'"{cell.arm_names[2]}" on task "{cell.task}"' for cell in of_seed)
            raise StoreError(f'study "{self.record.study}" has several such runs: {told}.')
        return of_seed[0]

    def _some(self, found: list[RecordedCell], what: str, kind: str) -> list[RecordedCell]:
        """The cells that were found.

        Raises:
            StoreError: there are none; with what is recorded.
        """
        if not found:
            there = dict.fromkeys(str(getattr(cell, kind)) for cell in self.record.cells)
            raise StoreError(
                f'study "{self.record.study}" has no {what}; recorded are: {", ".join(there)}.'
            )
        return found
