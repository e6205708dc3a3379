"""Tests of two arms, paired by seed or not; each is one file."""

from __future__ import annotations

from stats.register import PairedTest, UnpairedTest, expect

expect(__name__, PairedTest, "wilcoxon", "permutation", "sign", "t")
expect(__name__, UnpairedTest, "mann-whitney", "unpaired-permutation", "welch")
