"""Does an effect grow or fall over inits or tasks? The command `bench trend`."""

import argparse
import math
import sys

from benchmark.environment import Trained
from benchmark.errors import BenchmarkError
from benchmark.page import page
from benchmark.record import declared_analysis, scores_table
from benchmark.store import Store
from benchmark.tracking import Tracker
from benchmark.verdicts import rendered

#: What a study declares about its analysis that a trend takes over.
_TAKEN = ("study", "alpha", "correction", "resolution", "zeros", "test", "lower_is_better")


def trend(options: argparse.Namespace) -> int:
    """Print how the effects of a study's candidates change over a dose, and draw the curve."""
    from stats import trends

    doses = read_doses(options.dose)
    store = Store.choose(options.store)
    store.require()
    tracker = Tracker(store)
    record = tracker.study_record(options.study)
    how = declared_analysis(record, None, options.split)
    found = trends(
        scores_table(record, tracker, None, options.split),
        record["baseline"],
        record["candidates"],
        doses,
        scale=options.scale,
        split=options.split,
        effect_scale=options.effect_scale,
        **{name: how[name] for name in _TAKEN if name in how},
    )
    notes = Trained.of(record, tracker.finished()).notes()
    sys.stdout.write(rendered([found], options.format, page(), notes))
    if options.figure:
        from stats.report.figures import dose_response, save

        drawn = save(dose_response(found, margin=how["margin"]), options.figure, "trend")
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
