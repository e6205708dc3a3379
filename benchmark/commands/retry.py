"""`bench retry`: train again what failed of a study, and what waits for it."""

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
    "bench retry study.py",
    "bench retry study.py --only 'out of memory'",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument(
        "--only",
        metavar="REASON",
        help="those that failed for this reason, a word that bench status prints: died",
    )
    add_environments(command)
    add_study(command)
    add_execution(command)
    add_engine(command)
    add_run_timeout(command)


def retry(options: argparse.Namespace) -> int:
    """Train again what failed of a study, and what waits for it; then print the verdicts."""
    from benchmark.care.retrying import retry_failed
    from benchmark.session.session import Session
    from benchmark.store.store import Store

    Store.choose(options.store).require()
    return retry_failed(Session.of(options), options.only)
