"""Tests of two arms, paired by seed or not; each is one file."""

from __future__ import annotations

from stats.register import expect

expect(__name__, __path__)
