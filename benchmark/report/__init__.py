"""The report of a study: gathered from the record, laid out once, written in every format."""
