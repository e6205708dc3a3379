"""Tests of two arms, paired by seed or not; each is one file."""
