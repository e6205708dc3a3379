"""Before anything is trained: what is missing, mixed or worth knowing, and how long it takes."""
