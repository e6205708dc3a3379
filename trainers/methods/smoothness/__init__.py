"""Methods that ask for the same answer where the input or the dropout is a little different."""
