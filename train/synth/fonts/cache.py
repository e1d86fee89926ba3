"""Locate the fetched library: outside the tree, training's families apart from the held-out ones."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "OCR_FONTS_CACHE"
"""Environment variable that names another folder."""


def cache_folder() -> Path:
    """Return the folder of everything that is fetched or remembered about fonts; it need not exist."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "ocr-fonts"


def training_folder() -> Path:
    """Return the folder of the families that training draws with, one folder for each."""
    return cache_folder() / "train"


def held_out_folder() -> Path:
    """Return the folder of the families that only measuring draws with."""
    return cache_folder() / "held-out"
