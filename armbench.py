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
    assert spec is not None, "the packages beside this file are not installed"
    # A folder without code has no file of its own.
    places = [spec.origin] if spec.origin else [*(spec.submodule_search_locations or ())]
    found = Path(places[0]).resolve()
    own = Path(__file__).resolve().parent / "benchmark"
    if found != own / "__init__.py":
        print(
            f"bench: {found} is called benchmark, as armbench's own package is, and "
            "Python finds it first: leave its folder out of PYTHONPATH, or rename it.",
            file=sys.stderr,
        )
        sys.exit(2)
    from benchmark.cli import entry

    entry()
