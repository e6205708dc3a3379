"""What hub names and relative paths in a declaration mean on this machine, and what is missing."""
