"""Looking at results before the last seed, without paying for it in false claims."""
