"""Damage to a picture, each kind by itself."""
