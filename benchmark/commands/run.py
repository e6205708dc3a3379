"""`bench run`: tune and train what a study still needs, then give its verdicts."""

from __future__ import annotations

import argparse

from benchmark.commands.options import (
    add_engine,
    add_environments,
    add_execution,
    add_run_timeout,
    add_study,
)

EXAMPLES = (
    "bench run study.py",
    "bench run study.py --smoke",
    "bench run study.py --workers 4 --data DIR",
    "bench run study.py --engine slurm --slurm partition=gpu,gres=gpu:1",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    how = command.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="the same as: bench plan STUDY")
    how.add_argument(
        "--smoke",
        action="store_true",
        help="from end to end on 64 made-up examples and tiny random models; keeps nothing",
    )
    add_environments(command)
    add_study(command)
    add_execution(command)
    add_engine(command)
    add_run_timeout(command)


def run(options: argparse.Namespace) -> int:
    """Tune and train what a study still needs, then print its verdicts."""
    if options.dry_run:
        from benchmark.commands.plan import plan

        return plan(options)
    if options.smoke:
        from benchmark.session.rehearsal import rehearse

        return rehearse(options)
    from benchmark.session.session import Session
    from benchmark.session.training import run_session

    return run_session(Session.of(options))
