"""How p-values of one family are corrected: a file for each correction."""

from __future__ import annotations

from stats.register import expect

expect(__name__, __path__)
