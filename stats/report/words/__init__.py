"""How numbers and findings are put into words."""
