"""Lay out rendered pages, one module for each kind."""
