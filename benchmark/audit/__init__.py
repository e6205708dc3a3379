"""The command `bench audit`: what published tables of mean ± sd can be, and what they support."""
