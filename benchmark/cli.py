"""The command `bench`. Commands import what they need when they need it."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

FINISHED, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="bench", description="Find out whether a training method really helps."
    )
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="train what a study still needs, then give its verdicts")
    run.add_argument("--dry-run", action="store_true", help="the same as: bench plan STUDY")
    plan = commands.add_parser("plan", help="what a study would run, and how long that takes")
    for command in (run, plan):
        command.add_argument("study", type=Path, metavar="STUDY", help="a study file")
        command.add_argument(
            "--workers", type=_workers, metavar="N", help="runs side by side (default: one a core)"
        )
        _add_store(command)

    stats = commands.add_parser("stats", help="verdicts from recorded runs or a table of scores")
    stats.add_argument(
        "study", nargs="?", metavar="STUDY", help="name or file (default: the study last run)"
    )
    stats.add_argument(
        "--compare", nargs="+", metavar=("BASELINE", "CANDIDATE"), help="arms, the baseline first"
    )
    stats.add_argument("--metric", help="what to compare (default: each task's own)")
    stats.add_argument("--split", default="test", help="dev or test (default: test)")
    stats.add_argument("--alpha", type=float, help="largest corrected p that counts")
    stats.add_argument("--margin", type=float, help="smallest difference that matters, in points")
    stats.add_argument(
        "--correction", help="holm (default), bonferroni, benjamini-hochberg or none"
    )
    stats.add_argument(
        "--format", choices=("table", "markdown", "latex", "csv", "json"), default="table"
    )
    stats.add_argument("--input", type=Path, metavar="CSV", help="a tidy table of scores to read")
    _add_store(stats)

    ui = commands.add_parser("ui", help="the MLflow UI on the store, at 127.0.0.1")
    ui.add_argument("--port", type=int, default=5000)
    _add_store(ui)
    return top


def _add_store(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--store",
        metavar="DIR",
        help="folder or MLflow URI of the record (default: MLFLOW_TRACKING_URI, else mlruns)",
    )


def _workers(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code says what came of it.

    Returns:
        0 when all went well, 1 when runs failed, 2 for a usage or study error, 130 after Ctrl-C.
    """
    options = parser().parse_args(arguments)
    try:
        return _dispatch(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if options.debug or not _is_for_users(error):
            raise
        print(f"bench: {error}", file=sys.stderr)
        return USAGE


def entry() -> NoReturn:
    """`bench` as a process of its own."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Unloading torch and its libraries takes the interpreter seconds, and nothing is left to do.
    os._exit(code)


def _is_for_users(error: Exception) -> bool:
    """Whether the message alone tells a user what to do."""
    from benchmark.errors import BenchmarkError
    from stats.errors import StatsError
    from trainers.errors import TrainerError

    return isinstance(error, BenchmarkError | StatsError | TrainerError)


def _dispatch(options: argparse.Namespace) -> int:
    if options.command == "stats":
        from benchmark import verdicts

        return verdicts.stats(options)
    from benchmark import commands

    if options.command == "plan" or (options.command == "run" and options.dry_run):
        return commands.plan(options.study, options.store, options.workers)
    if options.command == "run":
        return commands.run(options.study, options.store, options.workers, options.debug)
    return commands.ui(options.store, options.port)
