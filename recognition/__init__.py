"""Read a cut-out line: what every recognizer shares, and the methods."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

from recognition.charset import LARGEST


class Row(NamedTuple):
    """Where a method is, imported when it is asked for; see `recognition.method`."""

    networks: str
    """Module of `NETWORKS` and `losses` in PyTorch."""
    network: str
    """Which of the `NETWORKS`."""
    name: str
    """In the manifest, and on the command line of the reader."""
    file: str
    """Its weight file, without the suffix."""
    keras: str = ""
    """Module of the same `NETWORKS` in Keras, where there is one."""
    decoders: tuple[str, ...] = ("ctc",)
    """Those of `recognition.recognizer.DECODERS` that its outputs can be read by, the usual one first."""
    columns: int = 8192
    """Columns, lines times width, of a batch in training."""
    bent: float = 0.0
    """Share of the lines in training that are bent or cut askew."""
    views: int = 1
    """Pictures of one line that it may be given together."""
    charset: str = LARGEST
    """What `recognition.charset.Charset.load` takes."""

    @property
    def torch(self) -> Any:  # noqa: ANN401 - a module
        """The module of networks and losses."""
        return importlib.import_module(self.networks)

    def make(self, classes: int) -> Any:  # noqa: ANN401 - a torch module
        """Make the network for so many classes, the blank among them."""
        return self.torch.NETWORKS[self.network](classes)

    def make_keras(self, classes: int) -> Any:  # noqa: ANN401 - a Keras model
        """Make the model in Keras, likewise."""
        return importlib.import_module(self.keras).NETWORKS[self.network](classes)


_CRNN = "crnn.model_torch", "crnn.model_keras"
_DENSENET = "recognition.densenet_torch", "recognition.densenet_keras"
_RESNET = "recognition.resnet_attention_torch", "recognition.resnet_attention_keras"

METHODS = {
    "crnn": Row(_CRNN[0], "small", "small", "crnn-small", columns=16384),
    "crnn-base": Row(_CRNN[0], "base", "base", "crnn-base", columns=16384),
    "crnn-reference": Row(_CRNN[0], "crnn", "reference", "crnn-reference", _CRNN[1]),
    "crnn-gru": Row(_CRNN[0], "crnn-gru", "crnn-gru", "crnn-gru", _CRNN[1]),
    "densenet": Row(_DENSENET[0], "densenet", "densenet", "crnn-densenet", _DENSENET[1]),
    "resnet-attention": Row(
        _RESNET[0], "resnet-attention", "resnet-attention", "crnn-resnet-attention", _RESNET[1],
        decoders=("ctc", "attention"),
    ),
    "stn-crnn": Row("recognition.stn_crnn_torch", "stn-crnn", "stn-crnn", "crnn-stn", columns=8192, bent=0.6),
    "rare": Row(
        "recognition.rare_torch", "rare", "rare", "crnn-rare", decoders=("attention", "ctc"), bent=0.6
    ),
    "attention-ocr": Row(
        "recognition.attention_ocr_torch", "attention-ocr", "attention-ocr", "crnn-attention-ocr",
        decoders=("attention", "ctc"),
    ),
    "attention-ocr-views": Row(
        "recognition.attention_ocr_views_torch", "attention-ocr-views", "attention-ocr-views",
        "crnn-attention-ocr-views", decoders=("attention",), views=4,
    ),
}  # fmt: skip
"""What `train.recognizer_torch --method` takes."""


def row_of(network: str) -> Row:
    """Return the row of a network, by the name that `NETWORKS` has for it.

    Raises:
        ValueError: there is no such network.
    """
    rows = {row.network: row for row in METHODS.values()}
    if network not in rows:
        raise ValueError(f"network is {network!r}, expected one of {', '.join(rows)}")
    return rows[network]
