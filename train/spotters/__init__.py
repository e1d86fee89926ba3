"""What each spotting method brings to training and export: `RECIPE`, `prepare` and `exports` of a module."""

MODULES = {"fots": "train.spotters.fots"}
"""By the names of `spotting.METHODS`."""
