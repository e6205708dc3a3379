"""`bench submit`: predictions on GLUE's hidden test sets, as the zips that its server takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.options import add_engine, add_environments, add_execution, add_study

EXAMPLES = ("bench submit study.py --out submissions",)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("submissions"), help="default: submissions"
    )
    add_environments(command)
    add_study(command)
    add_execution(command)
    add_engine(command)


def submit(options: argparse.Namespace) -> int:
    """Write one zip for each arm and seed of a study whose runs are all recorded."""
    from benchmark.session.session import Session
    from benchmark.session.submission import write

    return write(Session.of(options), options.out)
