"""Shapes and lettering on a canvas."""
