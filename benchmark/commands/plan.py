"""`bench plan`: what a study would run, and how long that takes."""

from __future__ import annotations

import argparse

from benchmark.commands.options import add_engine, add_environments, add_execution, add_study

EXAMPLES = (
    "bench plan study.py",
    "bench plan study.py --gpus 4 --runs-per-gpu auto",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_environments(command)
    add_study(command)
    add_execution(command)
    add_engine(command)


def plan(options: argparse.Namespace) -> int:
    """Print what a study would run."""
    from benchmark.session.planning import print_plan

    return print_plan(options)
