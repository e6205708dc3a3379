"""Runs whose model writes text: how it is scored, what it teaches, and its pre-training."""
