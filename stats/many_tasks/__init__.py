"""Several tasks at once: one verdict, one aggregate, one profile."""
