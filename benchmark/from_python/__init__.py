"""`run` and `load`: studies from scripts and notebooks, and what came of them."""
