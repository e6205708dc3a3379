"""Remove from the cache what no study of the record needs."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.care.asking import agreed, counted, look_at_others, size
from benchmark.care.needed import Result, StillNeeded
from benchmark.record.query import Query


def collect(query: Query, console: Console, yes: bool) -> int:
    """List what is not needed, ask, and remove it; returns the exit code.

    Args:
        query: to the record.
        console: where to print.
        yes: whether to remove it without asking.
    """
    cache = query.store.cache
    needed = StillNeeded(query).results()
    there = cache.results()
    unneeded = {result: there[result] for result in there if result not in needed}
    kept = sum(there.values()) - sum(unneeded.values())
    if not unneeded:
        _say(console, f"{cache.root}: studies need all that is there ({size(kept)}).")
        return 0
    console.print(listed(query, unneeded))
    total = f"{counted(len(unneeded), 'result')} of {size(sum(unneeded.values()))}"
    _say(console, f"\n{cache.root}: no study needs {total}; {size(kept)} stay.")
    if not agreed("Remove them?", yes):
        _say(console, "Nothing was removed.")
        return 0
    since = StillNeeded(query).results()  # the answer may have taken a day
    remove(query, {each: unneeded[each] for each in unneeded if each not in since}, console)
    return 0


def remove(query: Query, results: Mapping[Result, int], console: Console) -> None:
    """Remove what nobody uses or makes at this moment, and say how much that was."""
    cache = query.store.cache
    look_at_others(cache, console)
    cache.sweep()
    gone = {result: count for result, count in results.items() if cache.remove(*result)}
    told = f"Removed {counted(len(gone), 'result')} of the cache, {size(sum(gone.values()))}."
    if left := len(results) - len(gone):
        told += f" In use, and kept: {left}."
    _say(console, told)


def listed(query: Query, results: Mapping[Result, int]) -> Table:
    """A row for each result, the largest first."""
    keys = {key for _, key in results}
    names = {run.tags["key"]: run.name for run in query.with_tag("key", keys)}
    table = Table("size", "what", "of", "key", box=None, header_style="bold")
    for (kind, key), count in sorted(results.items(), key=lambda each: -each[1]):
        of = names.get(key, "a task" if kind == "data" else "a run that is not recorded")
        table.add_row(*map(Text, (size(count), kind, of, key[:12])))
    return table


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
