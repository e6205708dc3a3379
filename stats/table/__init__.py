"""The tidy table of scores: read, checked, and laid out for comparisons."""
