"""Tasks on the user's own files and on data sets of the hub."""
