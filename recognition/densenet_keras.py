"""Define DenseNet-CTC in Keras: lines to logits per step.

Layer names and all choices are those of `recognition.densenet_torch`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from common.layers_keras import classify, conv, line_input, norm


def _dense_block(x: Any, name: str, count: int, growth: int) -> Any:
    for i in range(1, count + 1):
        y = layers.ReLU(name=f"{name}.relu{i}")(norm(f"{name}.norm{i}")(x))
        y = conv(y, growth, f"{name}.conv{i}", bias=False)
        x = layers.Concatenate(name=f"{name}.join{i}")([x, y])
    return x


def _transition(x: Any, name: str, width: int) -> Any:
    x = layers.ReLU(name=f"{name}.relu")(norm(f"{name}.norm")(x))
    x = conv(x, width, f"{name}.conv", 1, bias=False)
    return layers.AveragePooling2D(2, name=f"{name}.pool")(x)


def densenet(
    classes: int,
    stem: int = 64,
    count: int = 8,
    growth: int = 8,
    width: int = 128,
    dropout: float = 0.2,
) -> keras.Model:
    """Make DenseNet-CTC: (N, 1, 32, W) to logits (N, W / 8, C).

    Args:
        classes: with the blank (index 0).
        stem: channels of the first convolution.
        count: layers of each block.
        growth: channels that a layer adds.
        width: channels after a transition.
        dropout: of the features in training.
    """
    lines, x = line_input()
    x = layers.ZeroPadding2D(2, name="stem.pad")(x)
    x = layers.Conv2D(stem, 5, strides=2, use_bias=False, name="stem")(x)
    x = _transition(_dense_block(x, "block1", count, growth), "transition1", width)
    x = _transition(_dense_block(x, "block2", count, growth), "transition2", width)
    x = layers.ReLU(name="relu")(norm("norm")(_dense_block(x, "block3", count, growth)))
    features = 4 * (width + count * growth)
    x = layers.Permute((2, 1, 3), name="columns")(x)  # (N, T, 4, C)
    x = layers.Reshape((-1, features), name="sequence")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(lines, classify(x, classes), name="densenet")


NETWORKS = {"densenet": densenet}
"""Those that `recognition.METHODS` names."""
