"""Models that write text: encoders with decoders, and decoders alone."""
