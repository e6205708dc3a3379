"""From a table of scores to what `stats` says of it, as a study declares or a command asks."""
