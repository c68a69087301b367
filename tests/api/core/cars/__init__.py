"""Cars of the core family."""
