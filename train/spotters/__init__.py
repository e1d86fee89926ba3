"""What each spotting method brings to training and export: `RECIPE`, `prepare` and `exports` of a module."""

MODULES = {"fots": "train.spotters.fots", "stn-ocr": "train.spotters.stn_ocr"}
"""By the names of `spotting.METHODS`."""
