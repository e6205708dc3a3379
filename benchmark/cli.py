"""The command `bench`. Commands import what they need when they need it."""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Protocol

from benchmark.transliteration import transliterate_output

FINISHED, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

CORRECTIONS = "holm (default), bonferroni, benjamini-hochberg or none"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = _Parser(prog="bench", description="Find out whether a training method really helps.")
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add_studies(commands)
    fetch = commands.add_parser(
        "fetch", help="fill a folder with what a study takes from the hub; needs a network"
    )
    fetch.add_argument("study", type=Path, metavar="STUDY", help="a study file")
    fetch.add_argument("--data", type=Path, metavar="DIR", required=True, help="the folder")

    _add_stats(commands.add_parser("stats", help="verdicts from recorded runs or your own scores"))
    _add_power(commands.add_parser("power", help="what so many seeds can show, before training"))

    _add_trend(
        commands.add_parser("trend", help="does an effect grow or fall over inits or tasks?")
    )
    _add_report(commands.add_parser("report", help="a page of verdicts, figures and costs"))
    from benchmark.audit.command import add_audit

    add_audit(commands.add_parser("audit", help="what published tables of mean ± sd can be"))

    ui = commands.add_parser("ui", help="the MLflow UI on the store, at 127.0.0.1")
    ui.add_argument("--port", type=_port, default=5000)
    _add_store(ui)
    return top


def _add_studies(commands: Any) -> None:
    """The commands that plan, train or predict what a study declares."""
    run = commands.add_parser(
        "run", help="tune and train what a study still needs, then give its verdicts"
    )
    tune = commands.add_parser("tune", help="search the hyper-parameters of a study's arms on dev")
    how = run.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="the same as: bench plan STUDY")
    how.add_argument(
        "--smoke",
        action="store_true",
        help="from end to end on 64 made-up examples and tiny random models; keeps nothing",
    )
    plan = commands.add_parser("plan", help="what a study would run, and how long that takes")
    submit = commands.add_parser(
        "submit", help="predictions of every arm and seed, as GLUE's server takes them"
    )
    submit.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("submissions"), help="default: submissions"
    )
    for command in (run, plan, submit):
        command.add_argument(
            "--environments",
            choices=("anew", "mix"),
            help="where runs are recorded from another environment (versions, device): train them "
            "anew here, or keep them, with a warning beside the verdict",
        )
    for command in (run, tune, plan, submit):
        command.add_argument("study", type=Path, metavar="STUDY", help="a study file")
        command.add_argument(
            "--workers", type=_count, metavar="N", help="runs side by side (default: one a core)"
        )
        _add_data(command)
        command.add_argument(
            "--optuna-storage",
            metavar="URL",
            help="database of the searches, for several machines (default: optuna.db in the store)",
        )
        _add_store(command)


def _add_report(report: argparse.ArgumentParser) -> None:
    report.add_argument(
        "study", nargs="?", metavar="STUDY", help="name or file (default: the study last run)"
    )
    report.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write it (default: reports/STUDY)"
    )
    _add_store(report)


def _add_stats(stats: argparse.ArgumentParser) -> None:
    where = stats.add_argument_group("where the scores are")
    where.add_argument(
        "study", nargs="?", metavar="STUDY", help="name or file (default: the study last run)"
    )
    _add_store(where)
    where.add_argument("--input", type=Path, metavar="CSV", help="a tidy table of your own scores")
    where.add_argument(
        "--unpaired", action="store_true", help="of --input: seeds mean nothing, nothing is paired"
    )
    what = stats.add_argument_group("what is compared")
    what.add_argument(
        "--compare",
        nargs="+",
        metavar=("BASELINE", "CANDIDATE"),
        help="arms, the baseline first (default: as the study declares; with --rank: all)",
    )
    what.add_argument("--metric", help="default: each task's own")
    _add_direction(what)
    what.add_argument("--split", help="dev or test (default: test)")
    _add_question(stats)
    _add_answer(stats)
    _add_format(stats)


def _add_direction(what: Any) -> None:
    direction = what.add_mutually_exclusive_group()
    for name, lower in (("lower", True), ("higher", False)):
        direction.add_argument(
            f"--{name}-is-better",
            dest="lower_is_better",
            action="store_const",
            const=lower,
            help="of the metric (default: as declared, else by the words of its name)",
        )


def _add_question(stats: argparse.ArgumentParser) -> None:
    question = stats.add_argument_group(
        "which question", "By default: is each candidate better, and by how much, on each task?"
    )
    question.add_argument(
        "--tasks",
        choices=("fixed", "sampled"),
        help="over all tasks at once: these (fixed; tested over seeds), or others like them "
        "(sampled; tested over tasks)",
    )
    question.add_argument(
        "--each", action="store_true", help="with --tasks: the verdict on each task, too"
    )
    question.add_argument(
        "--scale",
        choices=("relative", "rank", "z"),
        help="of --tasks on unlike scales: change from the baseline in %%, rank among the arms, or "
        "sds over seeds (margins are then of that scale)",
    )
    one = question.add_mutually_exclusive_group()
    one.add_argument(
        "--rank", action="store_true", help="all arms among each other, and which can be told apart"
    )
    one.add_argument(
        "--bayes",
        action="store_true",
        help="how probable is it that a candidate is worse, inside the margin, or better?",
    )
    one.add_argument(
        "--collapse",
        action="store_true",
        help="how often does an arm collapse, and how do they differ where neither does?",
    )
    question.add_argument(
        "--below",
        type=float,
        metavar="SCORE",
        help="with --collapse: a run has collapsed that is no better than this (default: one far "
        "below the median of its arm)",
    )


def _add_answer(stats: argparse.ArgumentParser) -> None:
    how = stats.add_argument_group("how it is answered", "By default: as the study declares.")
    how.add_argument(
        "--test",
        help="wilcoxon (default), permutation, t, sign; with --unpaired: mann-whitney (default), "
        "welch, unpaired-permutation; with --rank also nemenyi, conover",
    )
    how.add_argument(
        "--effect",
        help="hedges_g (default), d_z, d_av, rank_biserial, superiority; with --unpaired: "
        "hedges_g (default), cliffs_delta, a12",
    )
    _add_level(how, f"{CORRECTIONS}; with --rank also shaffer")
    how.add_argument("--family", choices=("model-init-task", "study"), help="corrected together")
    how.add_argument(
        "--equivalence", choices=("t", "ranks"), help="of means (default) or of pseudo-medians"
    )
    how.add_argument(
        "--zeros", choices=("wilcox", "pratt", "zsplit"), help="of the signed-rank test"
    )
    how.add_argument(
        "--interaction-scale", choices=("raw", "log_odds"), help="points (default) or log odds"
    )
    how.add_argument(
        "--resolution", type=float, help="smallest step of the metric (accuracy of a study: known)"
    )


def _add_power(power: argparse.ArgumentParser) -> None:
    power.add_argument(
        "study", nargs="?", type=Path, metavar="STUDY", help="a study file, for what is not given"
    )
    power.add_argument("--pairs", type=_count, metavar="N", help="seeds that both arms get")
    power.add_argument(
        "--sd", type=float, help="of the paired differences (default: of the study's runs so far)"
    )
    power.add_argument("--gain", type=float, help="true gain to be found (default: twice --margin)")
    power.add_argument("--test", help="wilcoxon (default), permutation, t or sign")
    power.add_argument("--family", type=_count, metavar="N", help="comparisons corrected together")
    _add_level(power, CORRECTIONS)
    _add_store(power)
    _add_format(power)


def _add_trend(trend: argparse.ArgumentParser) -> None:
    trend.add_argument(
        "study", nargs="?", metavar="STUDY", help="name or file (default: the study last run)"
    )
    trend.add_argument(
        "--dose",
        nargs="+",
        required=True,
        metavar="NAME=NUMBER",
        help="the dose of each init, or of each task, for instance scratch=0 mlm-100=100",
    )
    trend.add_argument(
        "--scale",
        default="log1p",
        help="log1p (default: log10 of 1 + dose), log, linear, or order, which counts steps alone",
    )
    trend.add_argument(
        "--effect-scale",
        choices=("relative", "rank", "z"),
        help="of effects on tasks of unlike scales, as --scale of bench stats",
    )
    trend.add_argument(
        "--figure", type=Path, metavar="DIR", help="draw the curve there, as trend.svg, .pdf, .png"
    )
    trend.add_argument("--split", default="test", help="dev or test (default: test)")
    _add_store(trend)
    _add_format(trend)


class _Parser(argparse.ArgumentParser):
    """A parser that repeats no password of a command line that it does not understand."""

    def error(self, message: str) -> NoReturn:
        from benchmark.secrets import masked

        super().error(masked(message))


class _Options(Protocol):
    """A parser, or a group of its options."""

    def add_argument(self, *names: str, **keywords: Any) -> argparse.Action: ...


def _add_level(options: _Options, corrections: str) -> None:
    options.add_argument("--alpha", type=float, help="largest corrected p that counts")
    options.add_argument("--margin", type=float, help="smallest difference that matters, in points")
    options.add_argument("--correction", help=corrections)


def _add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--format", choices=("table", "markdown", "latex", "csv", "json"), default="table"
    )


def _add_data(command: _Options) -> None:
    command.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder that bench fetch filled, read in place of the hub (default: ARMBENCH_DATA)",
    )


def _add_store(command: _Options) -> None:
    command.add_argument(
        "--store",
        metavar="DIR",
        help="folder or MLflow URI of the record (default: MLFLOW_TRACKING_URI, else mlruns)",
    )


MOST = 10**6
"""Of runs side by side, pairs or comparisons; more are a slip of the finger."""


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not text.strip("0"):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number of at least 1")
    if len(text.lstrip("0")) > 7 or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"{text[:40]} is more than {MOST:,}")
    return int(text)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no port, from 1 to 65535")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code says what came of it.

    Returns:
        0 when all went well, 1 when runs failed or the record was lost, 2 for a usage or study
        error, 130 after Ctrl-C.
    """
    transliterate_output()
    if lacking := _lacking():
        print(lacking, file=sys.stderr)
        return USAGE
    options = parser().parse_args(arguments)
    # Read when the libraries are imported: nothing but bench fetch may reach for the hub.
    if options.command != "fetch":
        os.environ["HF_HUB_OFFLINE"] = "1"
    from benchmark.containment import leaving_raises
    from benchmark.scratch import clear

    try:
        with leaving_raises():
            return _dispatch(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _unread()
    except (Exception, SystemExit) as error:
        said = _for_users(error)
        if options.debug or not said:
            raise
        return _say(error, said)
    finally:
        clear()


def _say(error: BaseException, told: str) -> int:
    """Print what went wrong in a sentence, and return the exit code."""
    from benchmark.errors import RecordLost
    from benchmark.secrets import masked

    print(f"bench: {masked(told)}", file=sys.stderr)
    return FAILED if isinstance(error, RecordLost) else USAGE


def _lacking() -> str:
    """Why nothing can work on this system, in a sentence; empty where it can."""
    if not all(map(find_spec, ("fcntl", "resource"))) or not hasattr(os, "fork"):
        return (
            "bench: it needs a system with fork and file locks, such as Linux or macOS, and does "
            "not run on Windows itself; in the Windows Subsystem for Linux (wsl --install) it does."
        )
    return ""


def entry() -> NoReturn:
    """`bench` as a process of its own."""
    from benchmark.scratch import keep_temporary_files_together

    # What ends a job sends SIGTERM: stop as cleanly as for Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    keep_temporary_files_together()
    sys.excepthook = _unexpected
    code = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _unread()
    with suppress(OSError):
        sys.stderr.flush()
    # Unloading torch and its libraries takes the interpreter seconds, and nothing is left to do.
    os._exit(code)


def _unexpected(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """Print a traceback, without the passwords that libraries quote."""
    from benchmark.secrets import masked

    sys.stderr.write(masked("".join(traceback.format_exception(error))))


def _for_users(error: BaseException) -> str:
    """What to tell a user in place of a traceback; empty where it is a fault of ours."""
    from benchmark.blame import blamed, user_line
    from benchmark.errors import BenchmarkError
    from stats.errors import StatsError
    from trainers.errors import TrainerError

    if isinstance(error, BenchmarkError | StatsError | TrainerError):
        return str(error)
    if user_line(error):
        said = blamed(error, place=False)
        return f"{user_line(error)}: {said} (--debug shows how it came to that)"
    if isinstance(error, OSError) and error.filename is not None:
        path = str(error.filename)  # missing, in the way, too long, not allowed
        return f"{path if len(path) < 300 else path[:300] + '…'}: {error.strerror}."
    return ""


def _unread() -> int:
    """What is left to say when nobody reads any more, as behind `| head`: nothing."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FINISHED


def _dispatch(options: argparse.Namespace) -> int:
    if options.command == "stats":
        from benchmark import verdicts

        return verdicts.stats(options)
    if options.command == "report":
        from benchmark.report import command

        return command.report(options)
    if options.command == "power":
        from benchmark import power

        return power.power(options)
    if options.command == "trend":
        from benchmark import trend

        return trend.trend(options)
    if options.command == "fetch":
        from benchmark import fetch

        return fetch.fetch(options)
    if options.command == "audit":
        from benchmark.audit.command import audit

        return audit(options)
    if options.command == "submit":
        from benchmark import submit

        return submit.submit(options)
    if options.command == "plan" or (options.command == "run" and options.dry_run):
        from benchmark import dry_run

        return dry_run.plan(options)
    if options.command == "ui":
        from benchmark import ui

        ui.ui(options.store, options.port)
    from benchmark import commands

    if options.command == "run":
        return commands.run(options)
    return commands.tune(options)
