"""Several arms at once: do they differ, which do, and in what order?"""
