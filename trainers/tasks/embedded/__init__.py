"""Data that every machine has: docstrings of installed packages, handwritten digits."""
