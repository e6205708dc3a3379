"""The analysis for other programs: CSV and JSON, numbers at full precision."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import fields
from io import StringIO
from typing import Any

from stats.analyse import Analysis
from stats.compare import Comparison
from stats.interaction import Interaction


def to_json(analysis: Analysis) -> str:
    """One object; what cannot be computed is null."""
    settings = analysis.settings
    whole = {
        "study": analysis.study,
        "metric": analysis.metric,
        "split": analysis.split,
        "lower_is_better": settings.lower_is_better,
        "alpha": analysis.alpha,
        "margin": analysis.margin,
        "correction": analysis.correction,
        "family": analysis.family,
        "paired": settings.paired,
        "test": settings.test,
        "effect": settings.effect,
        "equivalence": settings.equivalence,
        "interaction_scale": settings.interaction_scale,
        "zeros": settings.zeros,
        "resolution": settings.resolution,
        "comparisons": [_record(each) for each in analysis.comparisons],
        "interactions": [_record(each) for each in analysis.interactions],
        "warnings": analysis.warnings,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(analysis: Analysis) -> str:
    """One row for each comparison; what cannot be computed is empty."""
    out = StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(Comparison)], lineterminator="\n")
    writer.writeheader()
    for each in analysis.comparisons:
        record = _record(each)
        record["dropped_seeds"] = " ".join(str(seed) for seed in each.dropped_seeds)
        writer.writerow(record)
    return out.getvalue()


def _record(each: Comparison | Interaction) -> dict[str, Any]:
    values = {field.name: getattr(each, field.name) for field in fields(each)}
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
