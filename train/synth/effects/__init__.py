"""Damage a picture, each kind by itself."""
