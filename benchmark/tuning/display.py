"""What the user sees of tuning: a live table on a terminal, plain lines elsewhere, then results."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from benchmark.execute.job import Ended, Progress
from benchmark.runs.kinds import Run
from benchmark.tuning.notes import setting
from benchmark.tuning.results import BUDGETS, Tuned
from benchmark.tuning.search_loop import SearchLoop
from benchmark.tuning.trial import Trial


class TuningDisplay:
    """Follows the searches of a study; use it as a context manager.

    Args:
        name: of the study.
        console: where to print.
    """

    def __init__(self, name: str, console: Console) -> None:
        self.name, self.console = name, console
        self.loops: list[SearchLoop] = []
        self.running: dict[str, tuple[Run, str]] = {}
        self.started = time.monotonic()
        self._said: set[tuple[str, int]] = set()
        self._live = Live(
            console=console, get_renderable=self._table, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> TuningDisplay:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        self._say_new_ends()

    def on_search(self, loop: SearchLoop) -> None:
        """A search begins or goes on."""
        self.loops.append(loop)

    def on_start(self, run: Run) -> None:
        """A run began."""
        self.running[run.key] = (run, "")

    def on_event(self, event: Progress | Ended) -> None:
        """A worker said something."""
        if isinstance(event, Progress) and event.elsewhere:
            self.running.pop(event.key, None)  # its setting has a line that says how it ends
        elif isinstance(event, Progress):
            self.running[event.key] = (self.running[event.key][0], event.note)
        elif event.key in self.running:
            run, _ = self.running.pop(event.key)
            if event.status not in ("finished", "cached", "pruned") or event.message:
                line = f"{run.name}  {event.status}: {event.message}"
                self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._say_new_ends()

    def _say_new_ends(self) -> None:
        """One line for each setting that has ended, where there is no live table."""
        for loop in self.loops:
            for trial in loop.trials:
                place = (loop.searching.name, trial.number)
                if trial.end is None or place in self._said:
                    continue
                self._said.add(place)
                if not self._live.is_started:
                    self._say(loop, trial)

    def _say(self, loop: SearchLoop, trial: Trial) -> None:
        ended = trial.reason if trial.value is None else f"dev {trial.value:.2f}"
        line = f"{loop.searching.name}  [{trial.number + 1}/{loop.optuna_study.trials}]  "
        line += f"{setting(trial.params or {})}  {ended}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _table(self) -> Group:
        gone = time.monotonic() - self.started
        head = Text.assemble((f"tuning {self.name}", "bold"), f"  on dev · {gone:.0f} s gone")
        table = Table(
            "search", "settings", "pruned", "failed", "best on dev", box=None, header_style="dim"
        )
        for loop in self.loops:
            ends = [t.end for t in loop.trials]
            values = [t.value for t in loop.trials if t.value is not None]
            best = (max if loop.optuna_study.higher_is_better else min)(values) if values else None
            table.add_row(
                escape(loop.searching.name),
                f"{sum(e is not None for e in ends)}/{loop.optuna_study.trials}",
                str(ends.count("pruned")),
                str(ends.count("failed")),
                "" if best is None else f"{best:.2f}",
            )
        running = Table.grid(padding=(0, 2))
        for run, note in self.running.values():
            running.add_row(escape(run.name), note)
        return Group(head, table, running)


def print_results(results: Sequence[Tuned], console: Console) -> None:
    """Best settings, importances, and what the best of n settings is expected to score."""
    best = Table("search", "best setting", "on dev", "importance", box=None, header_style="bold")
    for tuned in results:
        chosen = setting(tuned.best.params or {}) if tuned.best else tuned.problem
        shares = ", ".join(f"{name} {share:.2f}" for name, share in tuned.importances.items())
        score = f"{tuned.best.value:.2f}" if tuned.best else ""
        best.add_row(*map(Text, (tuned.searching.name, chosen, score, shares)))
    console.print(best)
    shown = [n for n in BUDGETS if n <= max((len(t.trials) for t in results), default=0)]
    table = Table("expected best of", *map(str, shown), box=None, header_style="bold")
    for tuned in results:
        curve = tuned.expected_best()
        cells = (f"{curve[n]:.2f}" if n in curve else "" for n in shown)
        table.add_row(Text(tuned.searching.name), *cells)
    console.print()
    console.print(table)
