"""Find and read text with one system trained end to end: the methods."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

from recognition.charset import LARGEST


class Row(NamedTuple):
    """Where a method is, imported when it is asked for; see `spotting.method`."""

    package: str
    """Module of `Spotter`, which takes the networks; the manifest's package."""
    networks: str
    """Module of `NETWORK`, `parts` and `losses` in PyTorch."""
    name: str
    """In the manifest, and on the command line of the reader."""
    file: str
    """Its weight file, without the suffix; that of the network before it ends in `-trunk`."""
    charset: str = LARGEST
    """What `recognition.charset.Charset.load` takes."""

    @property
    def spotter(self) -> Any:  # noqa: ANN401 - a class
        """The class around the networks, a `common.roles.Spotter`."""
        return importlib.import_module(self.package).Spotter

    @property
    def torch(self) -> Any:  # noqa: ANN401 - a module
        """The module of the network and its losses."""
        return importlib.import_module(self.networks)


METHODS = {
    "fots": Row("spotting.fots", "spotting.fots_torch", "fots", "fots"),
    "stn-ocr": Row("spotting.stn_ocr", "spotting.stn_ocr_torch", "stn-ocr", "stn-ocr"),
}
"""What `train.spotter_torch --method` takes."""
