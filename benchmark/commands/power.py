"""`bench power`: what so many seeds can show, before they are trained."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.commands.options import add_format, add_level, add_store, count, listed
from benchmark.errors import BenchmarkError, StoreError

if TYPE_CHECKING:
    from benchmark.declare.study import Study
    from benchmark.runs.plan import Plan
    from benchmark.store.connection import Connection
    from stats import Judging
    from stats.power.of_studies import PowerAnalysis
    from stats.power.planning import PowerPlan


#: Options that say how a study is judged.
_JUDGED = ("alpha", "correction", "test")


EXAMPLES = (
    "bench power study.py",
    "bench power --pairs 8 --sd 0.6 --margin 0.5",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    from stats.register import PAIRED_TESTS, UNPAIRED_TESTS

    command.add_argument(
        "study", nargs="?", type=Path, metavar="STUDY", help="a study file, for what is not given"
    )
    command.add_argument("--pairs", type=count, metavar="N", help="seeds that both arms get")
    command.add_argument(
        "--sd", type=float, help="of the paired differences (default: of the study's runs so far)"
    )
    command.add_argument(
        "--unpaired",
        action="store_true",
        help="arms share no seeds: --pairs are scores an arm, --sd that of the scores of an arm",
    )
    command.add_argument(
        "--gain", type=float, help="true gain to be found (default: twice --margin)"
    )
    command.add_argument(
        "--test", help=f"{listed(PAIRED_TESTS)}; with --unpaired: {listed(UNPAIRED_TESTS)}"
    )
    command.add_argument("--family", type=count, metavar="N", help="comparisons corrected together")
    add_level(command)
    add_store(command)
    add_format(command)


def power(options: argparse.Namespace) -> int:
    """Print what a number of pairs can show, and how many a verdict takes."""
    from benchmark.terminal.page import page, rendered
    from stats import plan_power

    _check_kind(options)
    names = ("gain", "alpha", "correction", "family", "test")
    given = {n: getattr(options, n) for n in names if getattr(options, n) is not None}
    if options.unpaired:
        from stats.power.unpaired_plan import plan_unpaired

        _check_complete(options, ("pairs", "sd", "margin"))
        plan_of_two = plan_unpaired(options.pairs, options.sd, options.margin, **given)
        sys.stdout.write(rendered([plan_of_two], options.format, page()))
        return 0
    if options.study is None:
        _check_complete(options, ("pairs", "sd", "margin"))
        plan = plan_power(options.pairs, options.sd, options.margin, **given)
        sys.stdout.write(rendered([plan], options.format, page()))
        return 0
    study = _loaded(options)
    judging, pairs = _asked(options, study.judging), options.pairs or study.n_pairs
    family = options.family or study.family_size
    margin = judging.deciding_margin
    if margin is None:
        unit = f'of the scale "{judging.scale}"' if judging.scale else "in points"
        raise BenchmarkError(f"{options.study} declares no margin: give --margin, {unit}.")
    plans: PowerPlan | PowerAnalysis
    notes: list[str] = []
    if options.sd is None:
        plans, notes = _from_record(options, study, judging, pairs, family)
    else:
        plans = plan_power(
            pairs,
            options.sd,
            margin,
            gain=options.gain,
            alpha=judging.alpha,
            family=family,
            correction=judging.correction,
            test=judging.test,
        )
    sys.stdout.write(rendered([plans], options.format, page(), notes))
    return 0


def _check_kind(options: argparse.Namespace) -> None:
    """Refuse a test of the other kind of scores, and a study for scores without pairs."""
    from stats.register import PAIRED_TESTS, UNPAIRED_TESTS

    if options.unpaired and options.study:
        raise BenchmarkError(
            "--unpaired is for scores of your own: the runs of a study are paired by seed."
        )
    wanted, other = PAIRED_TESTS, UNPAIRED_TESTS
    if options.unpaired:
        wanted, other = other, wanted
    if options.test in other:
        way = "leave out --unpaired" if options.unpaired else "add --unpaired"
        raise BenchmarkError(
            f"--test {options.test} is for {'paired' if options.unpaired else 'unpaired'} scores: "
            f"{way}, or take one of {', '.join(wanted)}."
        )


def _asked(options: argparse.Namespace, declared: Judging) -> Judging:
    """How the study is to be judged, as far as the command line does not say otherwise."""
    margin = "common_margin" if declared.scale else "margin"
    given = {margin: options.margin} | {n: getattr(options, n) for n in _JUDGED}
    return replace(declared, **{n: value for n, value in given.items() if value is not None})


def _check_complete(options: argparse.Namespace, names: tuple[str, ...]) -> None:
    missing = [f"--{name}" for name in names if getattr(options, name) is None]
    if missing:
        raise BenchmarkError(
            f"without a STUDY, bench power needs {' and '.join(missing)}; for instance: "
            "bench power --pairs 8 --sd 0.6 --margin 0.5"
        )
    if options.store:
        raise BenchmarkError("--store names the record of a STUDY, and none is given.")


def _loaded(options: argparse.Namespace) -> Study:
    from benchmark.declare.loading import load_study

    return load_study(options.study)


def _from_record(
    options: argparse.Namespace, study: Study, judging: Judging, pairs: int, family: int
) -> tuple[PowerAnalysis, list[str]]:
    """Plans at the sds of the runs that the record already has, and what is to be said of these.

    Raises:
        BenchmarkError: it has none, and no --sd is given.
    """
    from benchmark.record.environment import TrainedIn
    from benchmark.record.of_study import declared_judging, runs_of, scores_table, study_record
    from benchmark.record.query import Query
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store
    from stats import NotEnoughPairs, NotPaired, plan_comparisons

    query = Query(Connection(Store.choose(options.store)))
    record = study_record(_planned(options.study, study, query.connection), options.study)
    comparison = study.comparison
    steps = declared_judging(record, None, "test").resolution
    try:
        query.store.require()
        finished = runs_of(record, query)
        table = scores_table(record, query, finished, None, "test")
        plans = plan_comparisons(
            table,
            comparison.baseline,
            comparison.candidates,
            pairs,
            replace(judging, resolution=steps),
            gain=options.gain,
            family=family,
            study=study.name,
        )
        return plans, TrainedIn.of(record, finished).notes()
    except (StoreError, NotEnoughPairs, NotPaired) as error:
        raise BenchmarkError(
            f"the spread of the differences is not known yet ({str(error).rstrip('.')}): give "
            "--sd, the standard deviation of the paired differences in points of the metric."
        ) from error


def _planned(file: Path, study: Study, connection: Connection) -> Plan:
    """The runs of a study, with the settings that its searches have found."""
    from benchmark.declare.tuned import is_searched
    from benchmark.runs.plan import make_plan
    from benchmark.user_code.project import Project

    with Project.of(file).at_home():
        if not is_searched(study):
            return make_plan(study)
        from benchmark.tuning.of_study import known_results
        from benchmark.tuning.results import chosen

        over = [found for found in known_results(study, connection, None) if found.over]
        return make_plan(study, chosen(over))
