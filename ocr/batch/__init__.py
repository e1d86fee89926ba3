"""Read many inputs in order, with progress, and resume."""
