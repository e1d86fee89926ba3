"""Define bidirectional recurrent layers in Keras whose weights fit those of PyTorch one to one."""

from __future__ import annotations

from keras import layers


def bidirectional(hidden: int, kind: str = "lstm", *, name: str) -> layers.Bidirectional:
    """Make one bidirectional layer, (N, T, C) to (N, T, 2 hidden).

    Args:
        hidden: units in each direction.
        kind: "lstm" or "gru".
        name: of the layer.

    Raises:
        ValueError: another kind.
    """
    if kind == "gru":
        inner = layers.GRU(hidden, return_sequences=True, reset_after=True, name="gru")
    elif kind == "lstm":
        inner = layers.LSTM(hidden, return_sequences=True, name="lstm")
    else:
        raise ValueError(f"kind of recurrent layer is {kind!r}, expected lstm or gru")
    return layers.Bidirectional(inner, name=name)
