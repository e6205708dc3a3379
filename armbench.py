"""What `bench` starts: the package `benchmark` beside this file, or a word on what hides it.

It has a name of its own, which is found where PYTHONPATH names a folder with another `benchmark`.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn


def bench() -> NoReturn:
    """The command."""
    spec = find_spec("benchmark")
    found = Path(spec.origin).resolve() if spec and spec.origin else None
    if found is None or found.parent != Path(__file__).resolve().parent / "benchmark":
        print(
            f"bench: {found or 'something'} is called benchmark, as armbench's own package is, and "
            "Python finds it first: leave its folder out of PYTHONPATH, or rename it.",
            file=sys.stderr,
        )
        sys.exit(2)
    from benchmark.cli import entry

    entry()
