"""`bench fetch`: fill a folder with what a study takes from the hub."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.options import add_study

EXAMPLES = ("bench fetch study.py --data DIR",)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_study(command)
    command.add_argument("--data", type=Path, metavar="DIR", required=True, help="the folder")


def fetch(options: argparse.Namespace) -> int:
    """Fetch what a study takes from the hub."""
    from benchmark.session.fetching import fetch_into

    return fetch_into(options)
