"""Draw shapes and display text on a canvas."""
