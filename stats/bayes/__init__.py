"""How probable it is that one arm is better, practically the same or worse."""
