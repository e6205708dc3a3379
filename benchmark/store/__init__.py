"""Where runs are recorded, the connection to it, and the cache beside it."""
