"""Load a recognizer's trained weights as a recognizer that runs on PyTorch."""

from __future__ import annotations

from pathlib import Path

import torch

from crnn import Recognizer
from crnn.model_torch import as_recognizer
from recognition import row_of
from recognition.charset import Charset
from train.transfer import quantized_weights


def load_recognizer(path: Path, arch: str = "small") -> Recognizer:
    """Load weights as they are, with as many classes as they have.

    Weights of a smaller charset read with the first characters of the largest.

    Raises:
        ValueError: these are no weights of that network, or of a larger charset.
    """
    state = {
        name: torch.from_numpy(value).float()
        for name, value in quantized_weights.load(path).items()
    }
    try:
        charset = Charset.of_classes(len(state.get("classify.bias", ())))
    except ValueError as error:
        raise ValueError(f"{path}: {error}; give the weights of a recognizer") from error
    row = row_of(arch)
    network = row.make(charset.classes)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(
            f"{path} holds no weights of --arch {arch}; give that of its training"
        ) from error
    return as_recognizer(network, charset, decoder=row.decoders[0])
