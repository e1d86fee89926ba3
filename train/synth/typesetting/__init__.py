"""Fonts, and text set with them."""
