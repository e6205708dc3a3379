"""An attempt at a run by one process: what is done, recorded, kept and broken off."""
