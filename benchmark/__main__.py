"""`python -m benchmark` is `bench`."""

from __future__ import annotations

import sys

from benchmark.cli import entry
from benchmark.own_packages import FOLDER

if __name__ == "__main__":
    if not sys.flags.safe_path and sys.path[0] != FOLDER:
        del sys.path[0]  # the current folder: what lies beside a study is the study's alone
    entry()
