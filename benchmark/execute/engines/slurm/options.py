"""What is asked of Slurm: by `--slurm`, or in the pyproject.toml of the study's project."""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.execute.engines.slurm.cluster import OURS, Cluster

_NAME = re.compile(r"[a-z][a-z_-]*")
#: Between two options; a value may hold commas, as nodelist=n1,n2 and export=ALL,HOME=/tmp do.
_BETWEEN = re.compile(rf",(?={_NAME.pattern}=)")
_TABLE = "[tool.armbench.slurm]"


def asked_cluster(options: argparse.Namespace) -> Cluster | None:
    """What a command line asks of Slurm, and the project where that says nothing.

    Raises:
        BenchmarkError: these are no options.
    """
    asked = getattr(options, "slurm", None)
    if getattr(options, "engine", None) == "slurm":
        if getattr(options, "gpus", None) is not None:
            raise BenchmarkError(
                "--gpus names GPUs of this machine: with --engine slurm ask for those of a job by "
                "--slurm gres=gpu:1."
            )
        return Cluster(_of_project(options.study) | _of_command(asked or ""))
    if asked is not None:
        raise BenchmarkError("--slurm says what is asked of Slurm: add --engine slurm.")
    return None


def _of_command(text: str) -> dict[str, str | bool]:
    """From `partition=gpu,gres=gpu:1`."""
    found: dict[str, str | bool] = {}
    for each in filter(None, _BETWEEN.split(text)):
        name, equals, value = each.partition("=")
        if not equals or not value:
            raise BenchmarkError(
                f"--slurm {text}: {each!r} is no name=value; options without a value are given as "
                "exclusive=true."
            )
        found |= _option(f"--slurm {text}", name.strip(), value.strip())
    return found


def _of_project(study_file: Path) -> dict[str, str | bool]:
    """From the nearest pyproject.toml at or above the study that has such a table."""
    for folder in study_file.resolve().parents:
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        try:
            table = _table(tomllib.loads(path.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BenchmarkError(f"{path} cannot be read for {_TABLE}: {error}.") from error
        if table is None:
            continue
        found: dict[str, str | bool] = {}
        for name, value in table.items():
            if not isinstance(value, str | int):
                raise BenchmarkError(f"{path}: {_TABLE} {name} must be a text or a number.")
            if value is not False:
                found |= _option(f"{path}: {_TABLE}", name, value if value is True else str(value))
        return found
    return {}


def _table(project: Any) -> Mapping[str, Any] | None:
    for name in ("tool", "armbench", "slurm"):
        project = project.get(name) if isinstance(project, dict) else None
    return project if isinstance(project, dict) else None


def _option(where: str, name: str, value: str | bool) -> dict[str, str | bool]:
    """One option, by its name as submitit has it."""
    known = name.replace("-", "_")
    if not _NAME.fullmatch(name) or (isinstance(value, str) and not value.isprintable()):
        raise BenchmarkError(f"{where}: {name!r} is no option of sbatch.")
    if known in OURS:
        raise BenchmarkError(
            f"{where}: {name} is set by bench, whose jobs are each one process on one node; leave "
            "it out."
        )
    return {known: True if value == "true" else value}
