"""A report as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import get_args

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from benchmark.report.layout import Report
from benchmark.report.pages.svg import drawing_of
from benchmark.report.picture import Picture
from stats.report.sheet import Words
from stats.verdicts.verdict import Verdict


@dataclass(frozen=True)
class Drawing:
    """A figure on a page.

    Attributes:
        name: identifies it on the page.
        caption: below it.
        drawing: its element.
        wide: whether it takes a row of its own.
    """

    name: str
    caption: str
    drawing: Markup
    wide: bool


def to_html(report: Report, pictures: Sequence[Picture]) -> str:
    """The page of a report; names are escaped, and its own script alone may run."""
    environment = Environment(
        loader=PackageLoader("benchmark.report.pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.tests["words"] = lambda heading: isinstance(heading, Words)
    templates = files("benchmark.report.pages") / "templates"
    script = (templates / "report.js").read_text(encoding="utf-8")
    kinds = {section.sheet.kind for section in report.sections}
    return environment.get_template("report.html").render(
        report=report,
        drawings={kind: [_drawn(p) for p in pictures if p.section == kind] for kind in kinds},
        style=Markup((templates / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=_source_hash(script),
        verdicts=get_args(Verdict),
        version=version("armbench"),
    )


def _source_hash(script: str) -> str:
    """How a content security policy names a script that may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _drawn(picture: Picture) -> Drawing:
    svg, wide = drawing_of(picture.svg.read_text(encoding="utf-8"), picture.name, picture.caption)
    return Drawing(picture.name, picture.caption, Markup(svg), wide)
