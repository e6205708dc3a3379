"""The data sets of arXiv 2205.12428, by name."""
