"""How p-values of one family are corrected: a file for each correction."""

from __future__ import annotations

from stats.register import Correction, expect

expect(__name__, Correction, "holm", "benjamini-hochberg", "bonferroni", "none")
