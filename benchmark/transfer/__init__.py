"""Studies on their way from one record to another, each in one file."""
