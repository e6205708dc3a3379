"""What each kind of result says: its table, its remarks."""
