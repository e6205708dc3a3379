"""Methods that decide which weights learn, how fast, and how far from where they started."""
