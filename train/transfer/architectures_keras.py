"""Make the Keras model that `--arch` names."""

from __future__ import annotations

import keras

from crnn.model_keras import crnn
from recognition.densenet_keras import densenet
from recognition.resnet_attention_keras import resnet_attention


def build(arch: str, classes: int) -> keras.Model:
    """Make the model of a name that `--arch` takes.

    Raises:
        ValueError: another name.
    """
    if arch in {"crnn", "crnn-gru"}:
        return crnn(classes, rnn="gru" if arch == "crnn-gru" else "lstm")
    if arch == "densenet":
        return densenet(classes)
    if arch == "resnet-attention":
        return resnet_attention(classes)
    raise ValueError(f"arch is {arch!r}, expected one of {', '.join(ARCHITECTURES)}")


ARCHITECTURES = ("crnn", "crnn-gru", "densenet", "resnet-attention")
