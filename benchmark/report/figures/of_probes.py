"""Figures of probes: every comparison at every link, and scores along each chain."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.answer.probed import Probed
from benchmark.report.gather import Gathered
from benchmark.report.picture import Sketch
from benchmark.runs.probed import RANDOM
from stats.report.figures import MOST_ROWS, PAGE, Look, forest, link_curves
from stats.report.words import wording


def sketch_probes(gathered: Gathered) -> Iterator[Sketch]:
    """Every figure of probes; none where nothing was probed."""
    probed = gathered.probed
    if probed is None:
        return
    yield from _forests(probed)
    levels = _random_levels(probed)
    for number, found in enumerate(probed.links, 1):
        figure = link_curves(found, beside=levels, beside_name=RANDOM, look=Look(PAGE))
        tasks = ", ".join(dict.fromkeys(each.task for each in found.arms))
        said = f"{tasks}: mean over seeds at each link; link 0 is the untouched encoder."
        yield "links", f"links · {number} · {tasks}", wording.printable(said), figure


def _forests(probed: Probed) -> Iterator[Sketch]:
    analysis = probed.analysis
    rows = analysis.comparisons if analysis else ()
    for number, first in enumerate(range(0, len(rows), MOST_ROWS), 1):
        assert analysis
        figure = forest(
            rows[first : first + MOST_ROWS],
            (),
            margin=analysis.judging.margin,
            metric=analysis.metric,
            lower_is_better=analysis.lower_is_better,
        )
        said = "Every comparison of probes with its interval."
        yield "probes", f"forest of probes · {number}", said, figure


def _random_levels(probed: Probed) -> dict[tuple[str, str], float]:
    """Mean score of the random encoder, by task and model."""
    own = probed.scores[probed.scores["method"] == RANDOM]
    means = own.groupby(["task", "model"], sort=False)["score"].mean().reset_index()
    return {(row["task"], row["model"]): row["score"] for row in means.to_dict("records")}
