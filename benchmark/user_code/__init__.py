"""Code of a user while it is read: its project, its faults, what it changes, how long it takes."""
