"""An audit as one HTML file: no script, no network, light and dark, every text escaped."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from stats.audit import Audit
from stats.audit.finding import KINDS, MEANINGS, SEVERITIES
from stats.report.sections.audit import findings_table, header, tally


def to_html(found: Audit, source: str) -> str:
    """The page of an audit.

    Args:
        found: what `stats.audit_tables` returns.
        source: name of the file that was read.
    """
    environment = Environment(
        loader=PackageLoader("benchmark.report.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [
        (severity, MEANINGS[severity], [(KINDS[kind], table) for kind, table in tables])
        for severity in SEVERITIES
        if (tables := _tables(found, severity))
    ]
    return environment.get_template("audit.html").render(
        source=source,
        header=header(found),
        unchecked=found.unchecked,
        tally=tally(found),
        sections=sections,
    )


def _tables(found: Audit, severity: str) -> list[tuple[str, object]]:
    tables = [(kind, findings_table(found, severity, kind)) for kind in KINDS]
    return [(kind, table) for kind, table in tables if table.rows]
