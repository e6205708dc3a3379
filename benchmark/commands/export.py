"""`bench export`: write a recorded study into one file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmark.commands.options import add_optuna_storage, add_store

EXAMPLES = ("bench export study.py study.zip",)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("study", metavar="STUDY", help="name or file of a recorded study")
    command.add_argument("file", type=Path, metavar="FILE", help="to be made")
    add_optuna_storage(command, os.environ.get("OPTUNA_STORAGE"))
    add_store(command)


def export(options: argparse.Namespace) -> int:
    """Write a study with its runs, their files and its searches into one file."""
    from benchmark.care.asking import counted, size
    from benchmark.record.query import Query
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store
    from benchmark.transfer.exporting import export_study

    store = Store.choose(options.store)
    store.require()
    query = Query(Connection(store))
    done = export_study(query, options.study, options.file, options.optuna_storage)
    open_runs = counted(done.left_out, "run")
    left = f" {open_runs} that have not ended are left out." if done.left_out else ""
    print(
        f"{options.file}: {counted(done.runs, 'run')} of {done.study}, "
        f"{size(options.file.stat().st_size)}.{left} bench import {options.file} --store PLACE "
        "takes them into another record."
    )
    return 0
