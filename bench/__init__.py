"""Measure speed and accuracy, beside other engines."""
