"""Which figures a study needs, drawn into files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from benchmark.report.figures.of_arms import sketch_arms
from benchmark.report.figures.of_comparisons import sketch_comparisons
from benchmark.report.figures.of_probes import sketch_probes
from benchmark.report.figures.of_tuning import copied
from benchmark.report.gather import Gathered
from benchmark.report.names import plain_names
from benchmark.report.picture import Picture, Sketch
from stats.report.figures import save, to_svg


def draw(gathered: Gathered, folder: Path, for_paper: bool) -> list[Picture]:
    """Draw every figure of a report as SVG, and for a paper as PDF and PNG too.

    Args:
        gathered: what it shows.
        folder: where the files go.
        for_paper: the other two take three quarters of the time.
    """
    sketches = list(_sketches(gathered))
    titles = [name for _, name, _, _ in sketches]
    alike = [titles[:i].count(title) for i, title in enumerate(titles)]
    own = [f"{t} · {n + 1}" if n else t for t, n in zip(titles, alike, strict=True)]
    names = plain_names(own)
    drawn = [
        Picture(section, names[name], caption, _saved(figure, folder, names[name], for_paper))
        for name, (section, _, caption, figure) in zip(own, sketches, strict=True)
    ]
    return [*drawn, *copied(gathered, folder, for_paper)]


def _saved(figure: Figure, folder: Path, name: str, for_paper: bool) -> tuple[Path, ...]:
    if for_paper:
        return tuple(save(figure, folder, name))
    path = folder / f"{name}.svg"
    path.write_text(to_svg(figure), encoding="utf-8")
    return (path,)


def _sketches(gathered: Gathered) -> Iterator[Sketch]:
    yield from sketch_comparisons(gathered)
    yield from sketch_probes(gathered)
    yield from sketch_arms(gathered)
