"""Figures of searches, as the runs of the searches keep them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmark.report.gather import Gathered
from benchmark.report.names import plain_names
from benchmark.report.picture import Picture
from benchmark.report.search_figures import kept_figures

#: Figures of a search by the names of their files, with what they show.
SHOWN = {
    "history": "every setting in its order, and the best so far",
    "importances": "how much each hyper-parameter matters",
    "parallel_coordinates": "every setting, from its hyper-parameters to its score",
    "expected_best": "what the best of so many settings is expected to score, for every search",
}


def copied(gathered: Gathered, folder: Path, for_paper: bool) -> Iterator[Picture]:
    """The figures of each search of the study, copied from the record.

    Args:
        gathered: of the study.
        folder: where they go.
        for_paper: whether they are wanted as PDF and PNG too, as far as they are kept.
    """
    searched = gathered.record.tuning
    names = plain_names(each.search for each in searched)
    shared_by_all = False
    for each in searched:
        kept = kept_figures(gathered, each)
        for figure, what in SHOWN.items():
            if kept is None or not (kept / f"{figure}.svg").exists():
                continue
            if figure == "expected_best":
                if shared_by_all:
                    continue
                shared_by_all = True
            name = f"tuning.{names[each.search]}.{figure}"
            endings = ("svg", "pdf", "png") if for_paper else ("svg",)
            sources = [kept / f"{figure}.{ending}" for ending in endings]
            paths = tuple(
                Path(shutil.copy(source, folder / f"{name}{source.suffix}"))
                for source in sources
                if source.exists()
            )
            yield Picture("tuning", name, f"{each.search}: {what}.", paths)
