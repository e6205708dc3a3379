"""`bench status`: what of a study is finished, running, waiting or failed."""

from __future__ import annotations

import argparse

from benchmark.commands.options import add_recorded_study, add_store

EXAMPLES = (
    "bench status",
    "bench status study.py --format json",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_recorded_study(command)
    command.add_argument("--format", choices=("table", "json"), default="table")
    add_store(command)


def status(options: argparse.Namespace) -> int:
    """Print how a study stands; nothing is trained or written."""
    from benchmark.care.standing import standing
    from benchmark.care.told import as_json, print_standing
    from benchmark.record.query import Query
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store
    from benchmark.terminal.page import page

    store = Store.choose(options.store)
    store.require()
    found = standing(Query(Connection(store)), options.study)
    if options.format == "json":
        print(as_json(found))
    else:
        print_standing(found, page())
    return 0
