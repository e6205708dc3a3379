"""What the user sees while runs execute: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import mean

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from benchmark.checks.estimate import Estimate
from benchmark.execute.job import Ended, Progress
from benchmark.record.recorded import Recorded
from benchmark.runs.kinds import Run, TrainRun
from benchmark.runs.plan import Plan
from benchmark.terminal.duration import duration


class Display:
    """Follows the runs of a plan; use it as a context manager.

    Args:
        plan: what is executed.
        jobs: keys of the runs to execute.
        cached: keys of cells found in the record.
        finished: the record, for the scores of cached cells.
        estimate: expected durations, for the time left.
        workers: runs side by side.
        console: where to print.
    """

    def __init__(
        self,
        plan: Plan,
        jobs: Mapping[str, object],
        cached: frozenset[str],
        finished: Mapping[str, Recorded],
        estimate: Estimate,
        workers: int,
        console: Console,
    ) -> None:
        self.plan, self.jobs, self.cached = plan, jobs, cached
        self.estimate, self.workers, self.console = estimate, workers, console
        self.started = time.monotonic()
        self.running: dict[str, tuple[float, Progress]] = {}
        self.elsewhere: dict[str, str] = {}
        self.ended: dict[str, Ended] = {}
        self.scores: dict[str, float] = {}
        for k in cached:
            self._keep_score(k, finished[k].scores)
        self._live = Live(
            console=console, get_renderable=self._table, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> Display:
        if self.console.is_terminal and self.jobs:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def on_start(self, run: Run) -> None:
        """A run began."""
        self.elsewhere.pop(run.key, None)
        self.running[run.key] = (time.monotonic(), Progress(run.key, 0.0, ""))

    def on_event(self, event: Progress | Ended) -> None:
        """A worker said something."""
        if isinstance(event, Progress):
            self._follow(event)
            return
        self.running.pop(event.key, None)
        self.elsewhere.pop(event.key, None)
        self.ended[event.key] = event
        if event.scores:
            self._keep_score(event.key, event.scores)
        self._say(event)

    def _follow(self, event: Progress) -> None:
        """Note how far a run has come, or who else has it."""
        if not event.elsewhere:
            began, _ = self.running[event.key]
            self.running[event.key] = (began, event)
            return
        self.running.pop(event.key, None)
        self.elsewhere[event.key] = event.elsewhere
        if not self._live.is_started:
            self._print(f"{self.plan.runs[event.key].name}  {told_elsewhere(event.elsewhere)}")

    def _say(self, event: Ended) -> None:
        """One line for a run that ended: where it failed or has to say something, else where
        there is no live table.
        """
        run = self.plan.runs[event.key]
        well = event.status in ("finished", "cached") and not event.message
        if well and self._live.is_started:
            return
        score = (
            f"  {self._metric(run)} {self.scores[run.key]:.1f}" if run.key in self.scores else ""
        )
        message = f": {event.message}" if event.message else ""
        self._print(
            f"[{len(self.ended)}/{len(self.jobs)}] {run.name}  {event.status}{message}"
            f"  {_took(event)}{score}  {self._time_left()}"
        )

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _metric(self, run: Run) -> str:
        return f"dev {run.metric}" if isinstance(run, TrainRun) else ""

    def _keep_score(self, key: str, scores: Mapping[str, float]) -> None:
        run = self.plan.runs[key]
        if isinstance(run, TrainRun) and f"dev/{run.metric}" in scores:
            self.scores[key] = scores[f"dev/{run.metric}"]

    def seconds_left(self) -> float:
        """Expected seconds until all jobs are done, corrected by how the finished ones went."""
        done = [k for k in self.ended if self.estimate.seconds[k] > 0 and self.ended[k].seconds]
        expected = sum(self.estimate.seconds[k] for k in done)
        pace = sum(self.ended[k].seconds for k in done) / expected if len(done) > 2 else 1.0
        left = 0.0
        for k in self.jobs:
            if k not in self.ended:
                share = self.running[k][1].share if k in self.running else 0.0
                left += (1 - share) * self.estimate.seconds[k]
        return left * pace / self.workers

    def _time_left(self) -> str:
        return f"{duration(self.seconds_left())} left"

    def _table(self) -> Group:
        failed = sum(e.status not in ("finished", "cached") for e in self.ended.values())
        done = len(self.ended) - failed
        head = Text.assemble(
            (self.plan.study.name, "bold"),
            f"  {done} of {len(self.jobs)} runs finished, {len(self.cached)} cached, "
            f"{failed} failed · {duration(time.monotonic() - self.started)} gone, "
            + self._time_left(),
        )
        return Group(head, self._running_table(), self._arm_table())

    def _running_table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for key, (began, progress) in self.running.items():
            table.add_row(
                escape(self.plan.runs[key].name),
                ProgressBar(total=1.0, completed=progress.share, width=24),
                f"{time.monotonic() - began:.0f} s",
                progress.note,
            )
        for key, who in self.elsewhere.items():
            table.add_row(escape(self.plan.runs[key].name), "", "", escape(told_elsewhere(who)))
        return table

    def _arm_table(self) -> Table:
        """Mean dev score of each arm so far: test scores wait for the end."""
        table = Table("arm", "task", "seeds", "mean on dev", box=None, header_style="dim")
        groups: dict[tuple[str, str], list[str]] = {}
        for (arm, task, _), key in zip(self.plan.study.cells(), self.plan.cells, strict=True):
            groups.setdefault((arm.label, task.name), []).append(key)
        for (arm_label, task_name), keys in groups.items():
            known = [self.scores[k] for k in keys if k in self.scores]
            table.add_row(
                escape(arm_label),
                escape(task_name),
                f"{len(known)}/{len(keys)}",
                f"{mean(known):.2f}" if known else "",
            )
        return table


def told_elsewhere(who: str) -> str:
    """What is said of a run that another command executes.

    Args:
        who: its process, as its machine calls it.
    """
    return f"is done by another command ({who})"


def _took(event: Ended) -> str:
    """On the wall, where others' work counts too, and of the processors, where it is known."""
    cpu = (event.scores or {}).get("cpu_seconds") if event.status == "finished" else None
    return f"{event.seconds:.1f} s" + (f" ({cpu:.1f} s of processor time)" if cpu else "")
