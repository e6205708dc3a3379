"""What a number of seeds can show, and how many a verdict takes, before training."""
