"""One step of training: a model run on a batch, and the optimiser that moves its weights."""
