"""From scores to one of five words, with what a reader must know beside it."""
