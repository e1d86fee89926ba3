"""Rendered lines."""
