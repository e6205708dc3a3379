"""How large a difference is, beside its unit: effect sizes and their intervals."""

from __future__ import annotations

from stats.register import PairedEffect, UnpairedEffect, expect

expect(__name__, PairedEffect, "hedges_g", "d_av", "d_z", "rank_biserial", "superiority")
expect(__name__, UnpairedEffect, "hedges_g", "a12", "cliffs_delta")
