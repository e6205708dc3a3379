"""Looking after studies: how one stands, what failed of it, and what is removed."""
