"""Define a residual network that reads by CTC and by attention, in Keras.

Layer names and all choices are those of `recognition.resnet_attention_torch`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from common.arrays import Floats, Network
from common.layers_keras import classify, conv, line_input, norm
from common.recurrent_keras import bidirectional
from recognition.attention_keras import AttentionDecoder


def _residual(x: Any, name: str, inputs: int, outputs: int) -> Any:
    y = norm(f"{name}.norm1")(conv(x, outputs, f"{name}.conv1", bias=False))
    y = layers.ReLU(name=f"{name}.relu1")(y)
    y = norm(f"{name}.norm2")(conv(y, outputs, f"{name}.conv2", bias=False))
    short = x if inputs == outputs else conv(x, outputs, f"{name}.short", 1, bias=False)
    y = layers.Add(name=f"{name}.add")([y, short])
    return layers.ReLU(name=f"{name}.relu2")(y)


def resnet_attention(
    classes: int, widths: tuple[int, int, int, int] = (32, 64, 128, 192), hidden: int = 128
) -> keras.Model:
    """Make the network with two readers.

    Lines (N, 1, 32, W) and labels (N, L) to the logits (N, W / 4, C) of CTC and, each character
    knowing the labels before it, the logits (N, L + 1, C) of attention. Give any labels where only
    CTC is wanted; `read_by_attention` needs none.

    Args:
        classes: with the blank, or end (index 0).
        widths: channels of the four stages; each stage is two residual blocks.
        hidden: recurrent units in each direction, and of the attention.
    """
    lines, x = line_input()
    x = layers.ReLU(name="relu")(norm("norm")(conv(x, widths[0], "conv", bias=False)))
    inputs = widths[0]
    for stage, (width, pool) in enumerate(zip(widths, (2, 2, (2, 1), (2, 1)), strict=True), 1):
        x = layers.MaxPooling2D(pool, name=f"pool{stage}")(x)
        x = _residual(x, f"stage{stage}.0", inputs, width)
        x = _residual(x, f"stage{stage}.1", width, width)
        inputs = width
    x = layers.Permute((2, 1, 3), name="columns")(x)  # (N, T, 2, d)
    x = layers.Reshape((-1, 2 * inputs), name="sequence")(x)
    x = bidirectional(hidden, name="rnn1")(x)
    x = bidirectional(hidden, name="rnn2")(x)
    labels = layers.Input((None,), name="labels", dtype="int32")
    attention = AttentionDecoder(classes, 2 * hidden, hidden, name="attention", dtype="float32")
    outputs = [classify(x, classes), attention([x, labels])]
    return keras.Model([lines, labels], outputs, name="resnet_attention")


NETWORKS = {"resnet-attention": resnet_attention}
"""Those that `recognition.METHODS` names."""


def read_by_attention(model: Any) -> Network:
    """Wrap a `resnet_attention` as the callable of `Recognizer` with `decoder="attention"`."""
    features = keras.Model(model.inputs[0], model.get_layer("rnn2").output)
    decoder = model.get_layer("attention")

    def network(lines: Floats) -> tuple[Any, ...]:
        return decoder.read(features(lines, training=False))

    return network
