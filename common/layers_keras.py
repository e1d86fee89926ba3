"""Define parts of the recognizers in Keras, with the numbers of `common.layers_torch`."""

from __future__ import annotations

from typing import Any

from keras import layers

from common.batch_norm import EPS, MOMENTUM


def norm(name: str) -> layers.Layer:
    """Make a batch norm."""
    return layers.BatchNormalization(epsilon=EPS, momentum=1 - MOMENTUM, name=name)


def conv(x: Any, width: int, name: str, size: int = 3, *, bias: bool = True) -> Any:
    """Add a convolution that keeps the size; an even one loses a row and a column."""
    if size % 2 and size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}.pad")(x)
    return layers.Conv2D(width, size, use_bias=bias, kernel_initializer="he_normal", name=name)(x)


def line_input() -> tuple[Any, Any]:
    """Return the model's input (N, 1, 32, W) and the same as (N, 32, W, 1)."""
    lines = layers.Input((1, 32, None), name="lines")
    return lines, layers.Permute((2, 3, 1), name="channels_last")(lines)


def classify(x: Any, classes: int) -> Any:
    """Add the classifier (N, T, D) to logits (N, T, C)."""
    # Logits stay in float32 when everything else is computed in less.
    return layers.Dense(classes, name="classify", dtype="float32")(x)
