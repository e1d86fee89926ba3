"""The recognizers of the papers and of the original systems in Keras: lines in, logits per step out.

Layer names and all choices are those of `crnn.reference_torch`.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from common.arrays import Floats, Network
from common.recurrent_keras import bidirectional
from crnn.attention_keras import AttentionDecoder

BN_EPS = 1e-5
BN_MOMENTUM = 0.9


def _norm(name: str) -> layers.Layer:
    return layers.BatchNormalization(epsilon=BN_EPS, momentum=BN_MOMENTUM, name=name)


def _conv(x: Any, width: int, name: str, size: int = 3, *, bias: bool = True) -> Any:
    """Add a convolution that keeps the size; an even one loses a row and a column."""
    if size % 2 and size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}.pad")(x)
    return layers.Conv2D(width, size, use_bias=bias, kernel_initializer="he_normal", name=name)(x)


def _input() -> tuple[Any, Any]:
    """Return the model's input (N, 1, 32, W) and the same as (N, 32, W, 1)."""
    lines = layers.Input((1, 32, None), name="lines")
    return lines, layers.Permute((2, 3, 1), name="channels_last")(lines)


def _classify(x: Any, classes: int) -> Any:
    # Logits stay in float32 when everything else is computed in less.
    return layers.Dense(classes, name="classify", dtype="float32")(x)


def crnn(
    classes: int,
    widths: tuple[int, int, int, int] = (64, 128, 256, 512),
    hidden: int = 256,
    rnn: str = "lstm",
) -> keras.Model:
    """Make the network of the paper: (N, 1, 32, W) to logits (N, W / 4, C).

    Args:
        classes: with the blank (index 0).
        widths: channels of convolutions 1, 2, 3 and 4, and 5 to 7.
        hidden: recurrent units in each direction.
        rnn: "lstm" or "gru".
    """
    a, b, c, d = widths
    lines, x = _input()
    x = layers.ReLU(name="relu1")(_conv(x, a, "conv1"))
    x = layers.MaxPooling2D(2, name="pool1")(x)  # (N, 16, W / 2, a)
    x = layers.ReLU(name="relu2")(_conv(x, b, "conv2"))
    x = layers.MaxPooling2D(2, name="pool2")(x)  # (N, 8, W / 4, b)
    x = layers.ReLU(name="relu3")(_conv(x, c, "conv3"))
    x = layers.ReLU(name="relu4")(_conv(x, c, "conv4"))
    x = layers.MaxPooling2D((2, 1), name="pool4")(x)  # (N, 4, W / 4, c)
    x = layers.ReLU(name="relu5")(_norm("norm5")(_conv(x, d, "conv5", bias=False)))
    x = layers.ReLU(name="relu6")(_norm("norm6")(_conv(x, d, "conv6", bias=False)))
    x = layers.MaxPooling2D((2, 1), name="pool6")(x)  # (N, 2, W / 4, d)
    x = layers.ZeroPadding2D(((0, 0), (0, 1)), name="pad7")(x)
    x = layers.ReLU(name="relu7")(_conv(x, d, "conv7", 2))  # (N, 1, W / 4, d)
    x = layers.Reshape((-1, d), name="sequence")(x)
    x = bidirectional(hidden, rnn, name="rnn1")(x)
    x = layers.Dense(hidden, name="join")(x)
    x = bidirectional(hidden, rnn, name="rnn2")(x)
    return keras.Model(lines, _classify(x, classes), name="crnn")


def _dense_block(x: Any, name: str, count: int, growth: int) -> Any:
    for i in range(1, count + 1):
        y = layers.ReLU(name=f"{name}.relu{i}")(_norm(f"{name}.norm{i}")(x))
        y = _conv(y, growth, f"{name}.conv{i}", bias=False)
        x = layers.Concatenate(name=f"{name}.join{i}")([x, y])
    return x


def _transition(x: Any, name: str, width: int) -> Any:
    x = layers.ReLU(name=f"{name}.relu")(_norm(f"{name}.norm")(x))
    x = _conv(x, width, f"{name}.conv", 1, bias=False)
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
    lines, x = _input()
    x = layers.ZeroPadding2D(2, name="stem.pad")(x)
    x = layers.Conv2D(stem, 5, strides=2, use_bias=False, name="stem")(x)
    x = _transition(_dense_block(x, "block1", count, growth), "transition1", width)
    x = _transition(_dense_block(x, "block2", count, growth), "transition2", width)
    x = layers.ReLU(name="relu")(_norm("norm")(_dense_block(x, "block3", count, growth)))
    features = 4 * (width + count * growth)
    x = layers.Permute((2, 1, 3), name="columns")(x)  # (N, T, 4, C)
    x = layers.Reshape((-1, features), name="sequence")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(lines, _classify(x, classes), name="densenet")


def _residual(x: Any, name: str, inputs: int, outputs: int) -> Any:
    y = _norm(f"{name}.norm1")(_conv(x, outputs, f"{name}.conv1", bias=False))
    y = layers.ReLU(name=f"{name}.relu1")(y)
    y = _norm(f"{name}.norm2")(_conv(y, outputs, f"{name}.conv2", bias=False))
    short = x if inputs == outputs else _conv(x, outputs, f"{name}.short", 1, bias=False)
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
    lines, x = _input()
    x = layers.ReLU(name="relu")(_norm("norm")(_conv(x, widths[0], "conv", bias=False)))
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
    outputs = [_classify(x, classes), attention([x, labels])]
    return keras.Model([lines, labels], outputs, name="resnet_attention")


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


def as_network(model: Any) -> Network:
    """Wrap a model as the plain callable that `Recognizer` takes: log-probabilities of CTC."""
    one = len(model.inputs) == 1

    def network(lines: Floats) -> tuple[Floats]:
        inputs = lines if one else [lines, np.zeros((len(lines), 0), np.int32)]
        answers = model(inputs, training=False)
        logits = answers if one else answers[0]
        return (np.asarray(keras.ops.log_softmax(logits, axis=2)),)

    return network


def read_by_attention(model: Any) -> Network:
    """Wrap a `resnet_attention` as the callable of `Recognizer` with `decoder="attention"`."""
    features = keras.Model(model.inputs[0], model.get_layer("rnn2").output)
    decoder = model.get_layer("attention")

    def network(lines: Floats) -> tuple[Any, ...]:
        return decoder.read(features(lines, training=False))

    return network
