"""A report as files: the page, what goes into a pull request or a paper, figures, and the data."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path

from benchmark.errors import BenchmarkError
from benchmark.report.figures.pictures import draw
from benchmark.report.gather import Gathered
from benchmark.report.layout import Report, lay_out
from benchmark.report.names import LONGEST
from benchmark.report.pages.study import to_html
from stats.report.figures.drawing.files import FORMATS
from stats.report.formats.latex import to_latex
from stats.report.formats.markdown import to_markdown
from stats.report.formats.records import to_csv, to_json
from stats.report.sheet import Sheet

FIGURES, DATA = "figures", "data"


def write_report(gathered: Gathered, folder: Path, for_paper: bool = True) -> Report:
    """Write everything into a folder: report.html, .md, .tex and .json, figures/ and data/.

    What an earlier report left there is replaced, or removed where this one has no such figure or
    table; other files are left alone.

    Args:
        gathered: what it says.
        folder: made if it is not there.
        for_paper: whether figures are wanted as PDF and PNG too, not as SVG alone.

    Raises:
        BenchmarkError: the folder cannot be written.
    """
    report = lay_out(gathered)
    try:
        for each in (folder, folder / FIGURES, folder / DATA):
            each.mkdir(parents=True, exist_ok=True)
        earlier = _written_earlier(folder)
        pictures = draw(gathered, folder / FIGURES, for_paper)
        texts = {
            "report.html": to_html(report, pictures),
            "report.md": to_markdown(report.sheets),
            "report.tex": to_latex(report.sheets),
            "report.json": to_json(report.sheets),
            f"{DATA}/scores.csv": gathered.scores.to_csv(index=False, lineterminator="\n"),
            **{f"{DATA}/{kind}.csv": text for kind, text in _tables(report.sheets).items()},
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        drawn = {path for picture in pictures for path in picture.paths}
        for path in earlier - drawn - {folder / name for name in texts}:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise BenchmarkError(
            f"the report cannot be written to {_shortened(str(folder))}: {_reason(error)}."
        ) from error
    return report


def _reason(error: OSError) -> str:
    """What stands in the way, and the way out."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space, or give --out a folder on another disk"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return "a file is in the way. Give --out a folder, or a name that is not taken"
    if error.errno == errno.EISDIR:
        return f"{error.filename} is a folder. Take it away, or give --out another folder"
    return f"{error.strerror or error}. Give --out a folder that can be written"


def _shortened(path: str) -> str:
    """A path that a line has room for."""
    return path if len(path) <= LONGEST else f"{path[:LONGEST]}… ({len(path):,} characters)"


def _written_earlier(folder: Path) -> set[Path]:
    """Figures and tables of the report that is in a folder, as far as its own files name them."""
    page, told = (folder / name for name in ("report.html", "report.json"))
    figures = re.findall(r'<figure id="figure-(\w[\w.-]*)"', _text(page), re.ASCII)
    kinds = re.findall(r'^ {4,6}"kind": "(\w+)"', _text(told), re.ASCII | re.MULTILINE)
    return {
        *(folder / FIGURES / f"{name}.{ending}" for name in figures for ending in FORMATS),
        *(folder / DATA / f"{kind}.csv" for kind in kinds),
    }


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _tables(sheets: Sequence[Sheet]) -> dict[str, str]:
    """The CSV of each kind of sheet that has rows."""
    kinds = dict.fromkeys(sheet.kind for sheet in sheets if sheet.records)
    return {kind: to_csv([sheet for sheet in sheets if sheet.kind == kind]) for kind in kinds}
