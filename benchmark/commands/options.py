"""Arguments that several commands take, and what their texts may be."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

#: Of runs side by side, pairs or comparisons; more are a slip of the finger.
MOST = 10**6


class Options(Protocol):
    """A parser, or a group of its options."""

    def add_argument(self, *names: str, **keywords: Any) -> argparse.Action:
        """As a parser does."""
        ...


def add_study(command: Options) -> None:
    """The study file of a command that trains, plans or predicts."""
    command.add_argument("study", type=Path, metavar="STUDY", help="a study file")


def add_recorded_study(command: Options) -> None:
    """The study of a command that reads the record."""
    command.add_argument(
        "study", nargs="?", metavar="STUDY", help="name or file (default: the study last run)"
    )


def add_execution(command: Options) -> None:
    """How many runs side by side, on which data, in which record."""
    command.add_argument(
        "--workers", type=count, metavar="N", help="runs side by side (default: one a core)"
    )
    command.add_argument(
        "--gpus",
        type=gpus,
        metavar="all|N|0,2",
        help="GPUs to train on: all, so many, or those of these numbers (default: the first)",
    )
    command.add_argument(
        "--runs-per-gpu",
        type=count_or_auto,
        metavar="N|auto",
        help="runs side by side on each of --gpus; auto: as many as have room (default: 1)",
    )
    command.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder that bench fetch filled, read in place of the hub (default: ARMBENCH_DATA)",
    )
    add_optuna_storage(command)
    add_store(command)


def add_optuna_storage(command: Options, default: str | None = None) -> None:
    """Where searches are kept."""
    command.add_argument(
        "--optuna-storage",
        default=default,
        metavar="URL",
        help="database of the searches, for several machines (default: OPTUNA_STORAGE, else "
        "optuna.db in the store)",
    )


def add_engine(command: Options) -> None:
    """Where runs are executed."""
    command.add_argument(
        "--engine",
        choices=("local", "inline", "slurm", "ray"),
        help="where runs are executed: by processes of this machine (default), by this very "
        "process, for a debugger, by jobs of a Slurm cluster, or on the nodes of a Ray cluster",
    )
    command.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="of the Ray cluster's head, from one of its machines (default: RAY_ADDRESS, else Ray "
        "is started on this machine)",
    )
    command.add_argument(
        "--slurm",
        metavar="OPTIONS",
        help="of sbatch for these jobs, as partition=gpu,gres=gpu:1,time=2:00:00 (default: "
        "[tool.armbench.slurm] in the pyproject.toml of the study's project)",
    )


def add_run_timeout(command: Options) -> None:
    """How long a run may take."""
    command.add_argument(
        "--run-timeout",
        type=seconds,
        metavar="DURATION",
        help="time that a run may take, as 90s, 30m, 6h or 2d: one that takes longer is ended and "
        "has failed (default: no limit)",
    )


def add_environments(command: Options) -> None:
    """What to do with runs of another environment."""
    command.add_argument(
        "--environments",
        choices=("anew", "mix"),
        help="where runs are recorded from another environment (versions, device): train them "
        "anew here, or keep them, with a warning beside the verdict",
    )


def listed(names: Sequence[str]) -> str:
    """What an option may be, the default first.

    >>> listed(["holm", "bonferroni", "none"])
    'holm (default), bonferroni, none'
    """
    return ", ".join([f"{names[0]} (default)", *names[1:]])


def add_level(command: Options, more_corrections: str = "") -> None:
    """Level, margin and correction, with what else is to be said of corrections."""
    from stats.register import CORRECTIONS

    command.add_argument("--alpha", type=float, help="largest corrected p that counts")
    command.add_argument("--margin", type=float, help="smallest difference that matters, in points")
    command.add_argument("--correction", help=listed(CORRECTIONS) + more_corrections)


def add_format(command: Options) -> None:
    """What results are written as."""
    command.add_argument(
        "--format", choices=("table", "markdown", "latex", "csv", "json"), default="table"
    )


def add_store(command: Options) -> None:
    """Where the record is."""
    command.add_argument(
        "--store",
        metavar="DIR",
        help="folder or MLflow URI of the record (default: MLFLOW_TRACKING_URI, else mlruns)",
    )


def add_yes(command: Options) -> None:
    """For a command that removes something, whether it asks."""
    command.add_argument("--yes", action="store_true", help="remove what is listed without asking")


def column(text: str) -> tuple[str, str]:
    """What a column of a file is, and how the file calls it.

    Raises:
        argparse.ArgumentTypeError: it is no pair.

    >>> column("seed=config.seed")
    ('seed', 'config.seed')
    """
    name, sign, called = text.partition("=")
    if not (sign and name and called):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no NAME=COLUMN, as in seed=config.seed")
    return name, called


def count(text: str) -> int:
    """A whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit()) or not text.strip("0"):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number of at least 1")
    if len(text.lstrip("0")) > 7 or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"{text[:40]} is more than {MOST:,}")
    return int(text)


def seconds(text: str) -> float:
    """A duration, with its unit.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    number, unit = text[:-1], text[-1:]
    known = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,3})?", number) or unit not in known:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is no duration with its unit, as 90s, 30m, 6h or 2d"
        )
    if float(number) * known[unit] < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is less than a second")
    return float(number) * known[unit]


def count_or_auto(text: str) -> int | Literal["auto"]:
    """A whole number of at least 1, or "auto".

    Raises:
        argparse.ArgumentTypeError: it is neither.
    """
    return "auto" if text == "auto" else count(text)


def gpus(text: str) -> Literal["all"] | int | tuple[int, ...]:
    """All GPUs, so many, or the numbers of some; "3," is the one of that number.

    Raises:
        argparse.ArgumentTypeError: it is none of these, or a number stands there twice.
    """
    if text == "all":
        return "all"
    parts = [part.strip() for part in text.removesuffix(",").split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 5 for part in parts):
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is neither all, nor how many GPUs, nor their numbers as in 0,2"
        )
    numbers = tuple(map(int, parts))
    twice = [number for number in numbers if numbers.count(number) > 1]
    if twice:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} names GPU {twice[0]} twice; name it once")
    if "," in text:
        return numbers
    if numbers == (0,):
        raise argparse.ArgumentTypeError(
            "0 is how many GPUs to take; '0,' is the one of number 0, and without --gpus it is "
            "taken anyway"
        )
    return numbers[0]


def port(text: str) -> int:
    """A port.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no port, from 1 to 65535")
    return int(text)
