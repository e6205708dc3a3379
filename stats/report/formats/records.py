"""Results for other programs: CSV and JSON, numbers at full precision."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from stats.report.sheet import Sheet


def to_json(sheets: Sequence[Sheet]) -> str:
    """One object, of several results under "results"; what cannot be computed is null."""
    objects = [_plain({"kind": each.kind, **each.whole} | _notes(each)) for each in sheets]
    whole = objects[0] if len(objects) == 1 else {"kind": "results", "results": objects}
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _notes(sheet: Sheet) -> dict[str, Any]:
    return {"notes": sheet.notes} if sheet.notes else {}


def to_csv(sheets: Sequence[Sheet]) -> str:
    """One row for each record; what cannot be computed, or is of another result, is empty."""
    records = [
        {**record, "notes": " | ".join(sheet.notes)} if sheet.notes else record
        for sheet in sheets
        for record in sheet.records
    ]
    out = StringIO()
    columns = dict.fromkeys(name for record in records for name in record)
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    for record in records:
        plain = _plain(record)
        writer.writerow(
            {
                name: " ".join(map(str, value)) if isinstance(value, list) else value
                for name, value in plain.items()
            }
        )
    return out.getvalue()


def _plain(value: Any) -> Any:
    """The value with None for what is not finite, and lists for tuples."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
