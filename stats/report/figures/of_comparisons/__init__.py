"""Figures of comparisons: effects, their pairs, and how they change."""
