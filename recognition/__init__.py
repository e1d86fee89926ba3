"""Read a cut-out line: what every recognizer shares."""
