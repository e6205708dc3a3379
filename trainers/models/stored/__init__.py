"""A model on disk in the hub's layout: what its folder must hold, and its weights read from it."""
