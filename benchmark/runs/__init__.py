"""What a study comes to: runs, their keys, and the graph in which they need each other."""
