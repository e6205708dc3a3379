"""Print one of the tables: `python -m stats.simulation coverage --simulations 2000`."""

from __future__ import annotations

import argparse
import sys

from stats.simulation import (
    collapse_table,
    collapse_verdict_table,
    coverage_table,
    error_table,
    family_table,
    fold_table,
    looks_table,
    margin_table,
    pooling_table,
    sweep_table,
    verdict_table,
)

TABLES = {
    "coverage": coverage_table,
    "errors": error_table,
    "verdicts": verdict_table,
    "verdicts-collapse": collapse_verdict_table,
    "margin": margin_table,
    "families": family_table,
    "folds": fold_table,
    "collapse": collapse_table,
    "pooling": pooling_table,
    "looks": looks_table,
    "sweeps": sweep_table,
}


def main() -> None:
    """Print the table that is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m stats.simulation",
        description="Error rates and coverage by simulation, in percent, in Markdown.",
    )
    parser.add_argument("table", choices=list(TABLES))
    parser.add_argument("--simulations", type=int, metavar="N", help="samples drawn for each cell")
    options = parser.parse_args()
    table = TABLES[options.table]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(table() if options.simulations is None else table(options.simulations))


if __name__ == "__main__":
    main()
