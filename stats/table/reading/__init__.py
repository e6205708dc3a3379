"""A file of scores before it is a table: its rows as text, and names and seeds in one spelling."""
