"""How p-values of one family are corrected: a file for each correction."""
