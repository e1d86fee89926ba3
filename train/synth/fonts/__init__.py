"""Fetch and keep the library of free typefaces that training draws with, outside the tree."""
