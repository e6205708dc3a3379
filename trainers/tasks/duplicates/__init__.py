"""Texts that say nearly the same, and examples that a model has seen."""
