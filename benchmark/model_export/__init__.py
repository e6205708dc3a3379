"""The model of a run in a folder of its own: found, made again where it must be, checked."""
