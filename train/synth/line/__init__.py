"""Render lines."""
