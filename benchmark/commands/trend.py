"""`bench trend`: does an effect grow or fall over inits or tasks, or scores along a chain?"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path

from benchmark.commands.options import add_format, add_recorded_study, add_store
from benchmark.errors import BenchmarkError

#: Where doses stand, unless another scale is asked for.
_SCALE = "log1p"


EXAMPLES = (
    "bench trend --dose scratch=0 pretrained=800",
    "bench trend --probes",
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    from stats.choices import COMMON_SCALES

    add_recorded_study(command)
    over = command.add_mutually_exclusive_group(required=True)
    over.add_argument(
        "--dose",
        nargs="+",
        metavar="NAME=NUMBER",
        help="the dose of each init, or of each task, for instance scratch=0 mlm-100=100",
    )
    over.add_argument(
        "--probes", action="store_true", help="over the links at which the study is probed"
    )
    command.add_argument(
        "--scale",
        default=_SCALE,
        help="log1p (default: log10 of 1 + dose), log, linear, or order, which counts steps alone",
    )
    command.add_argument(
        "--effect-scale",
        choices=COMMON_SCALES,
        help="of effects on tasks of unlike scales, as --scale of bench stats",
    )
    command.add_argument(
        "--figure", type=Path, metavar="DIR", help="draw the curve there, as trend.svg, .pdf, .png"
    )
    command.add_argument("--split", default="test", help="dev or test (default: test)")
    add_store(command)
    add_format(command)


def trend(options: argparse.Namespace) -> int:
    """Print how the effects of a study's candidates change over a dose, and draw the curve."""
    from benchmark.record.environment import TrainedIn
    from benchmark.record.of_study import declared_judging, runs_of, scores_table
    from benchmark.record.query import Query
    from benchmark.record.studies import recorded_study
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store
    from benchmark.terminal.page import page, rendered
    from stats import analyse_trends

    if options.probes:
        return _over_links(options)
    doses = read_doses(options.dose)
    store = Store.choose(options.store)
    store.require()
    query = Query(Connection(store))
    record = recorded_study(query, options.study)
    judging, finished = declared_judging(record, None, options.split), runs_of(record, query)
    found = analyse_trends(
        scores_table(record, query, finished, None, options.split),
        record.baseline,
        record.candidates,
        doses,
        replace(judging, scale=options.effect_scale),
        dose_scale=options.scale,
        study=record.study,
    )
    notes = TrainedIn.of(record, finished).notes()
    sys.stdout.write(rendered([found], options.format, page(), notes))
    if options.figure:
        from stats.report.figures import dose_response, save

        drawn = save(dose_response(found, margin=judging.margin), options.figure, "trend")
        print(f"bench: drew {', '.join(map(str, drawn))}", file=sys.stderr)
    return 0


def _over_links(options: argparse.Namespace) -> int:
    """Print how the scores of probes change over the links of a chain, and draw the curves."""
    from benchmark.answer.probed import chained
    from benchmark.record.environment import TrainedIn
    from benchmark.record.of_study import declared_judging, runs_of, scores_table
    from benchmark.record.query import Query
    from benchmark.record.studies import recorded_study
    from benchmark.store.connection import Connection
    from benchmark.store.store import Store
    from benchmark.terminal.page import page, rendered

    if options.effect_scale or options.scale != _SCALE:
        raise BenchmarkError(
            "--probes counts links one by one, and has no use for --scale or --effect-scale."
        )
    store = Store.choose(options.store)
    store.require()
    query = Query(Connection(store))
    record = recorded_study(query, options.study).of_probes()
    finished = runs_of(record, query)
    scores = scores_table(record, query, finished, None, options.split)
    judging = declared_judging(record, None, options.split)
    found = [each.analysed(record, judging) for each in chained(record, scores)]
    if not found:
        raise BenchmarkError(
            f'{record.study}: there are no links; declare Probes(..., at="every link").'
        )
    notes = TrainedIn.of(record, finished).notes()
    sys.stdout.write(rendered(found, options.format, page(), notes))
    for number, each in enumerate(found if options.figure else (), 1):
        from stats.report.figures import link_curves, save

        name = "links" if len(found) == 1 else f"links-{number}"
        drawn = save(link_curves(each), options.figure, name)
        print(f"bench: drew {', '.join(map(str, drawn))}", file=sys.stderr)
    return 0


def read_doses(given: list[str]) -> dict[str, float]:
    """Doses by name, from texts such as "mlm-100=100".

    Raises:
        BenchmarkError: a text is not NAME=NUMBER, or names one twice.
    """
    doses: dict[str, float] = {}
    for each in given:
        name, _, number = each.rpartition("=")
        try:
            dose = float(number)
        except ValueError:
            dose = math.nan
        if not name or not math.isfinite(dose):
            raise BenchmarkError(f'--dose "{each}" is not NAME=NUMBER, such as scratch=0.')
        if name in doses:
            raise BenchmarkError(f'--dose names "{name}" twice.')
        doses[name] = dose
    return doses
