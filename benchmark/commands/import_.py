"""`bench import`: take a study from a file that `bench export` wrote into a record."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmark.commands.options import add_optuna_storage, add_store

EXAMPLES = ("bench import study.zip --store elsewhere",)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("file", type=Path, metavar="FILE", help="that bench export wrote")
    add_optuna_storage(command, os.environ.get("OPTUNA_STORAGE"))
    add_store(command)


def import_(options: argparse.Namespace) -> int:
    """Take in what the record lacks of a study, and leave alone what it has."""
    from benchmark.care.asking import counted
    from benchmark.record.writer import Writer
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store
    from benchmark.transfer.importing import import_study
    from benchmark.tuning.of_study import storage_url

    store = Store.choose(options.store)
    storage = storage_url(store, options.optuna_storage)
    done = import_study(options.file, Writer(Connection(store)), storage)
    told = [f"{counted(done.new, 'run')} new", f"{done.known} there already"]
    if done.trained:
        told.append(f"{done.trained} left out that this record has trained itself")
    if done.searches:
        told.append(counted(done.searches, "search").replace("searchs", "searches"))
    print(
        f"{done.study}: {', '.join(told)}. bench stats '{done.study}' judges them as before; bench "
        "run takes the study file, and makes again what of teachers and weights it still needs."
    )
    return 0
