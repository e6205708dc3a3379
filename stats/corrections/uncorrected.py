"""No correction, for a question that is asked once."""

from __future__ import annotations

from stats.register import Correction, register

register(
    Correction(
        name="none",
        words="uncorrected",
        rows=lambda ascending: ascending,
        claims=lambda ascending, _: ascending,
        smallest=lambda p_value, _: p_value,
        level=lambda alpha, _: alpha,
    )
)
