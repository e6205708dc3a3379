"""Weights that a run goes without at its end: which, and when they are given up."""
