"""`bench gc`: remove from the cache what no study needs."""

from __future__ import annotations

import argparse

from benchmark.commands.options import add_store, add_yes

EXAMPLES = ("bench gc",)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_yes(command)
    add_store(command)


def gc(options: argparse.Namespace) -> int:
    """List what of the cache no study needs, ask, and remove it."""
    from benchmark.care.collecting import collect
    from benchmark.record.query import Query
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store
    from benchmark.terminal.page import page

    store = Store.choose(options.store)
    store.require()
    return collect(Query(Connection(store)), page(), options.yes)
