"""What printed means, standard deviations and tests can be."""
