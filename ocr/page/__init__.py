"""Bring a page upright and level, and find its grids, tables, seals and regions."""
