"""Where a result came from: versions, git commit, hardware."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("armbench", "torch", "transformers", "tokenizers", "numpy", "scikit-learn", "mlflow")


def provenance(folder: Path) -> dict[str, str]:
    """Tags that say with what a run was made.

    Args:
        folder: the study file's; its git commit is recorded where there is one.
    """
    return {
        "git_commit": git_commit(folder),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "host": socket.gethostname(),
        "hardware": hardware(),
        **{f"version.{name}": version_of(name) for name in _PACKAGES},
    }


def git_commit(folder: Path) -> str:
    """The commit of the work tree, "+changes" behind it where files differ from it."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return "none"
    return commit + ("+changes" if _git(folder, "status", "--porcelain", "-uno") else "")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@cache
def hardware() -> str:
    """The processor and its cores, and the accelerator where there is one."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    described = f"{_processor()}, {cores} cores"
    if torch.cuda.is_available():
        described += f", {torch.cuda.get_device_name()}"
    return described


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@cache
def version_of(package: str) -> str:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
