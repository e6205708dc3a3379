"""How p-values of one family are corrected: a file for each correction."""

from stats.register import load

load(__name__, __path__)
