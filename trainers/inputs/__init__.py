"""What a model reads: a vocabulary, encoded examples in batches, images changed at random."""
