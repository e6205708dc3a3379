"""Is a difference shown to lie inside the margin?"""
