"""What the examples of a test set add to the chance of the seeds."""
