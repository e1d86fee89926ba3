"""Measure on labelled pictures: `python -m train.evaluate`."""
