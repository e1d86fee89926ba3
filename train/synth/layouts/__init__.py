"""One module for each kind of rendered page."""
