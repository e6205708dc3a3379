"""`bench rm`: remove a study, an arm or a run from the record."""

from __future__ import annotations

import argparse

from benchmark.commands.options import add_store, add_yes

EXAMPLES = (
    "bench rm study.py",
    "bench rm study.py --arm kd --yes",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("study", metavar="STUDY", help="name or file of a recorded study")
    what = command.add_mutually_exclusive_group()
    what.add_argument(
        "--arm", metavar="ARM", help="this arm alone: a method, or as in 'kd · pretrained'"
    )
    what.add_argument(
        "--run", metavar="RUN", help="this run alone: as in 'kd · pretrained · 42', or MLflow's id"
    )
    add_yes(command)
    add_store(command)


def rm(options: argparse.Namespace) -> int:
    """List runs and what of the cache nothing else needs, ask, and remove them."""
    from benchmark.care.removing import remove_runs
    from benchmark.care.selection import ToRemove
    from benchmark.record.query import Query
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store
    from benchmark.terminal.page import page

    store = Store.choose(options.store)
    store.require()
    query = Query(Connection(store))
    selection = ToRemove.of(query, options.study, options.arm, options.run)
    return remove_runs(query, selection, page(), options.yes)
