"""Define bidirectional recurrent layers in PyTorch whose weights fit those of other frameworks one to one."""

from __future__ import annotations

from torch import nn


def bidirectional(inputs: int, hidden: int, kind: str = "lstm") -> nn.Module:
    """Make one bidirectional layer, (N, T, inputs) to (N, T, 2 hidden).

    PyTorch's LSTM adds two biases where the papers and Keras have one, so half of them say nothing:
    the second stays zero and is not trained. Then weights convert both ways without a bit of loss.
    A GRU's two biases differ in meaning, and both frameworks have both.

    Args:
        inputs: width of the input.
        hidden: units in each direction.
        kind: "lstm" or "gru".

    Raises:
        ValueError: another kind.
    """
    if kind == "gru":
        return nn.GRU(inputs, hidden, bidirectional=True, batch_first=True)
    if kind != "lstm":
        raise ValueError(f"kind of recurrent layer is {kind!r}, expected lstm or gru")
    layer = nn.LSTM(inputs, hidden, bidirectional=True, batch_first=True)
    for name, parameter in layer.named_parameters():
        if name.startswith("bias_hh"):
            nn.init.zeros_(parameter)
            parameter.requires_grad_(False)
    return layer
