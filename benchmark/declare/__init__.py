"""What a user declares: the study file, its project, and the study in it."""
