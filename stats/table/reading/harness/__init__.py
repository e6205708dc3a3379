"""What lm-evaluation-harness writes: results of models, and samples of their documents."""
