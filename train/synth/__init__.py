"""Render training data."""
