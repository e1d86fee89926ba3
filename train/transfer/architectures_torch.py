"""Make the network that `--arch` names."""

from __future__ import annotations

from torch import nn

from crnn.model_torch import CRNN, BaseCRNN, SmallCRNN
from recognition.densenet_torch import DenseNetCTC
from recognition.resnet_attention_torch import ResNetAttention


def build(arch: str, classes: int) -> nn.Module:
    """Make the network of a name that `--arch` takes.

    Raises:
        ValueError: another name.
    """
    if arch in OWN:
        return SmallCRNN(classes) if arch == "small" else BaseCRNN(classes)
    if arch in {"crnn", "crnn-gru"}:
        return CRNN(classes, rnn="gru" if arch == "crnn-gru" else "lstm")
    if arch == "densenet":
        return DenseNetCTC(classes)
    if arch == "resnet-attention":
        return ResNetAttention(classes)
    raise ValueError(f"arch is {arch!r}, expected one of {', '.join((*OWN, *ARCHITECTURES))}")


OWN = ("small", "base")
"""This project's recognizers, of which the larger begins as the smaller."""

ARCHITECTURES = ("crnn", "crnn-gru", "densenet", "resnet-attention")
