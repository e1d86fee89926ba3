"""Lines into reading order, blocks and tables."""
