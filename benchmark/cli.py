"""The command `bench`. Commands import what they need when they need it."""

from __future__ import annotations

import argparse
import faulthandler
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from keyword import iskeyword
from types import ModuleType, TracebackType
from typing import NoReturn

from benchmark.terminal.transliteration import transliterate_output

FINISHED, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

#: By what they are for; each is the file of its name in `benchmark.commands`, with its arguments
#: and examples beside its function.
GROUPS = {
    "to begin": {
        "init": "copy one of the studies that come along into this folder",
    },
    "to train and judge": {
        "run": "tune and train what a study still needs, then give its verdicts",
        "plan": "what a study would run, and how long that takes",
        "tune": "search the hyper-parameters of a study's arms on dev",
        "fetch": "fill a folder with what a study takes from the hub; needs a network",
        "submit": "predictions of every arm and seed, as GLUE's server takes them",
    },
    "to look after it": {
        "status": "what of a study is finished, running, waiting or failed",
        "retry": "train again what failed of a study, and what waits for it",
        "rm": "remove a study, an arm or a run from the record",
        "gc": "remove from the cache what no study needs",
    },
    "to take it out": {
        "export-model": "write the model of a run into a folder that transformers loads",
        "export": "write a recorded study into one file",
        "import": "take a study from such a file into a record",
    },
    "to judge what is there": {
        "stats": "verdicts from recorded runs or your own scores",
        "trend": "does an effect grow or fall over inits or tasks?",
        "power": "what so many seeds can show, before training",
        "audit": "what published tables of mean ± sd can be",
    },
    "to show it": {
        "report": "a page of verdicts, figures and costs",
        "ui": "the MLflow UI on the store, at 127.0.0.1",
    },
}
COMMANDS = {name: told for group in GROUPS.values() for name, told in group.items()}


def parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The command line; of the commands, those that are named are loaded."""
    top = _Parser(
        prog="bench",
        usage="bench [-h] [--version] [--debug] COMMAND ...",
        description="Find out whether a training method really helps.",
        epilog=_by_groups(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version")
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = top.add_subparsers(
        dest="command", required=True, metavar="COMMAND", help=argparse.SUPPRESS
    )
    for name in COMMANDS:
        command = commands.add_parser(name)
        if name in given:
            module = _module(name)
            module.arguments(command)
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            command.epilog = "\n  ".join(["examples:", *module.EXAMPLES])
    return top


def _by_groups() -> str:
    """The commands by what they are for, and where to go on."""
    width = max(map(len, COMMANDS))
    lines = []
    for what, group in GROUPS.items():
        lines += [f"{what}:", *(f"  {name:{width}}  {told}" for name, told in group.items()), ""]
    return "\n".join([*lines, "bench COMMAND --help shows its options, with examples."])


class _Version(argparse.Action):
    """Print the version, which takes a while to find where nobody asks."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print("armbench", version("armbench"))
        parser.exit()


def _module(command: str) -> ModuleType:
    return import_module(f"benchmark.commands.{_called(command)}")


def _called(command: str) -> str:
    """The name of a command's file and function; some are words of Python itself."""
    name = command.replace("-", "_")
    return f"{name}_" if iskeyword(name) else name


class _Parser(argparse.ArgumentParser):
    """A parser that repeats no password of a command line that it does not understand."""

    def error(self, message: str) -> NoReturn:
        from benchmark.secrets import masked

        super().error(masked(message))


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
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        parser(given).print_help()
        return FINISHED
    options = parser(given).parse_args(given)
    # Read when the libraries are imported: nothing but bench fetch may reach for the hub.
    if options.command != "fetch":
        os.environ["HF_HUB_OFFLINE"] = "1"
    from benchmark.store.scratch import clear
    from benchmark.user_code.containment import leaving_raises
    from benchmark.user_code.waiting import TooLong, asked_to_stop, impatient

    asked_to_stop.clear()
    try:
        with leaving_raises(), impatient():
            return int(getattr(_module(options.command), _called(options.command))(options))
    except KeyboardInterrupt as error:
        return _stopped(error)
    except BrokenPipeError:
        return _unread()
    except (Exception, SystemExit, TooLong) as error:
        if asked_to_stop:
            return _stopped(error)
        said = _for_users(error)
        if options.debug or not said:
            raise
        return _say(error, said)
    finally:
        clear()


def _stopped(error: BaseException) -> int:
    """Say that Ctrl-C ended the command, and which line of the user's code if it was in one."""
    from benchmark.user_code.blame import user_line

    where = user_line(error)
    print(f"bench: stopped{f' at {where}' if where else ''}.", file=sys.stderr)
    return INTERRUPTED


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
    from benchmark.store.scratch import keep_temporary_files_together
    from benchmark.user_code.waiting import stop

    # What ends a job sends SIGTERM: stop as cleanly as for Ctrl-C, which may be ignored.
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
    keep_temporary_files_together()
    sys.excepthook = _unexpected
    # Most of a short command is importing, a sixth of which were looks for garbage in modules.
    gc.set_threshold(100_000, 50, 100)
    faulthandler.enable()  # what kills the process in code of a study is told with its line
    code = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _unread()
    with suppress(OSError):
        sys.stderr.flush()
    if on_ray := sys.modules.get("benchmark.execute.engines.ray.cluster"):
        on_ray.end()
    # Unloading torch and its libraries takes the interpreter seconds, and nothing is left to do.
    os._exit(code)


def _unexpected(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """Print a traceback, without the passwords that libraries quote."""
    from benchmark.secrets import masked

    sys.stderr.write(masked("".join(traceback.format_exception(error))))


def _for_users(error: BaseException) -> str:
    """What to tell a user in place of a traceback; empty where it is a fault of ours."""
    from benchmark.errors import BenchmarkError
    from benchmark.user_code.blame import blamed, user_line
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
