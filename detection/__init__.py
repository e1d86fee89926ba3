"""Find text on a page: what every detector shares, and the methods."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple


class Row(NamedTuple):
    """Where a method is, imported when it is asked for."""

    package: str
    """Module with `Method`, the method's class, and `Detector`, which takes a network; the manifest's package."""
    networks: str
    """Module of `NETWORKS`, `activate`, `losses` and `HEADS` in PyTorch; see `detection.method`."""
    network: str
    """Which of the `NETWORKS`."""
    name: str
    """In the manifest, and on the command line of the reader."""
    file: str
    """Its weight file, without the suffix."""

    @property
    def method(self) -> Any:  # noqa: ANN401 - a class
        """The method's class, see `detection.method.DetectionMethod`."""
        return importlib.import_module(self.package).Method

    @property
    def torch(self) -> Any:  # noqa: ANN401 - a module
        """The module of networks and losses."""
        return importlib.import_module(self.networks)


METHODS = {
    "ctpn": Row("ctpn", "ctpn.model_torch", "small", "small", "ctpn-small"),
    "ctpn-reference": Row("ctpn", "ctpn.model_torch", "reference", "reference", "ctpn-reference"),
    "db": Row("detection.db", "detection.db_torch", "small", "db", "db"),
    "dmpnet": Row("detection.dmpnet", "detection.dmpnet_torch", "small", "dmpnet", "dmpnet"),
    "east": Row("detection.east", "detection.east_torch", "small", "east", "east"),
    "ftsn": Row("detection.ftsn", "detection.ftsn_torch", "small", "ftsn", "ftsn"),
    "pixellink": Row(
        "detection.pixellink", "detection.pixellink_torch", "small", "pixellink", "pixellink"
    ),
    "rrpn": Row("detection.rrpn", "detection.rrpn_torch", "small", "rrpn", "rrpn"),
    "seglink": Row("detection.seglink", "detection.seglink_torch", "small", "seglink", "seglink"),
    "textboxes": Row(
        "detection.textboxes", "detection.textboxes_torch", "small", "textboxes", "textboxes"
    ),
    "textboxes++": Row(
        "detection.textboxes_plus", "detection.textboxes_plus_torch", "small", "textboxes++",
        "textboxes-plus",
    ),
    "wordsup": Row("detection.wordsup", "detection.wordsup_torch", "small", "wordsup", "wordsup"),
}  # fmt: skip
"""What `train.detector_torch --method` takes."""
