"""Cut out one line, read it, read it again, split it."""
