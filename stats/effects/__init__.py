"""How large a difference is, beside its unit: effect sizes and their intervals."""

from __future__ import annotations

from stats.register import expect

expect(__name__, __path__)
