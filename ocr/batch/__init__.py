"""Many inputs read in order, resumed, with progress."""
