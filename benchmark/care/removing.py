"""Remove runs from the record, so that MLflow can bring them back, and what they left behind."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.care.asking import agreed, counted, look_at_others, size
from benchmark.care.collecting import listed, remove
from benchmark.care.given_out import refuse_given_out, withdraw
from benchmark.care.selection import ToRemove
from benchmark.errors import StoreError
from benchmark.record.attempts import written
from benchmark.record.query import Query
from benchmark.record.studies import use_of
from benchmark.record.writer import Writer


def remove_runs(query: Query, selection: ToRemove, console: Console, yes: bool) -> int:
    """List runs and what of the cache goes with them, ask, and remove both.

    Args:
        query: to the record.
        selection: of runs.
        console: where to print.
        yes: whether to remove them without asking.

    Raises:
        StoreError: somebody writes to one of them, or will.
    """
    look_at_others(query.store.cache, console)
    _refuse_written(query, selection)
    if query.store.cache.uses.holder(use_of(selection.study)):
        raise _at_work(selection)
    refuse_given_out(query.store.folder, selection)
    if selection.staying:
        stay = counted(len(selection.staying), "run")
        _say(console, f"Kept, since other studies have them, too: {stay}.\n")
    if not selection.runs:
        other = "other " if selection.staying else ""
        _say(console, f"{selection.told} has no {other}run to remove.")
        return 0
    console.print(_table(selection))
    if selection.results:
        console.print("", listed(query, selection.results))
    of_cache = size(sum(selection.results.values()))
    _say(
        console,
        f"\n{selection.told}: {counted(len(selection.runs), 'run')}, and {of_cache} of the cache.",
    )
    if not agreed("Remove them?", yes):
        _say(console, "Nothing was removed.")
        return 0
    with query.store.cache.unused(use_of(selection.study)) as unused:
        if not unused:
            raise _at_work(selection)
        _refuse_written(query, selection)
        refuse_given_out(query.store.folder, selection)
        withdraw(query.store.folder, selection)
        writer = Writer(query.connection)
        for run in selection.runs:
            writer.withdraw(run.run_id)
    if selection.results:
        remove(query, selection.results, console)
    _say(
        console,
        f"Removed {counted(len(selection.runs), 'run')}. MLflow keeps them among the deleted ones: "
        f"`mlflow runs restore --run-id ID`, with MLFLOW_TRACKING_URI={query.store.shown}, brings "
        "one back, until `mlflow gc` removes them for good.",
    )
    return 0


def _refuse_written(query: Query, selection: ToRemove) -> None:
    """Refuse what somebody writes."""
    for run in selection.runs:
        if run.status == "RUNNING":
            state = written(run, query.store)
            if state != "left open" and query.is_open(run.run_id):
                raise StoreError(
                    f"nothing was removed: {run.name} is being trained on "
                    f"{run.tags.get('host', 'this machine')}. Wait until it has ended, or stop it."
                )


def _at_work(selection: ToRemove) -> StoreError:
    return StoreError(
        f'nothing was removed: a command is at work on study "{selection.study}". Wait until it '
        "has ended, or stop it."
    )


def _table(selection: ToRemove) -> Table:
    table = Table("run", "how it ended", "MLflow's id", box=None, header_style="bold")
    for run in selection.runs:
        table.add_row(*map(Text, (run.name, run.reason, run.run_id)))
    return table


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
