"""Define the recognizer of the paper in Keras: lines to logits per step.

Layer names and all choices are those of `crnn.model_torch`.
"""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
from keras import layers

from common.arrays import Floats, Network
from common.layers_keras import classify, conv, line_input, norm
from common.recurrent_keras import bidirectional


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
    lines, x = line_input()
    x = layers.ReLU(name="relu1")(conv(x, a, "conv1"))
    x = layers.MaxPooling2D(2, name="pool1")(x)  # (N, 16, W / 2, a)
    x = layers.ReLU(name="relu2")(conv(x, b, "conv2"))
    x = layers.MaxPooling2D(2, name="pool2")(x)  # (N, 8, W / 4, b)
    x = layers.ReLU(name="relu3")(conv(x, c, "conv3"))
    x = layers.ReLU(name="relu4")(conv(x, c, "conv4"))
    x = layers.MaxPooling2D((2, 1), name="pool4")(x)  # (N, 4, W / 4, c)
    x = layers.ReLU(name="relu5")(norm("norm5")(conv(x, d, "conv5", bias=False)))
    x = layers.ReLU(name="relu6")(norm("norm6")(conv(x, d, "conv6", bias=False)))
    x = layers.MaxPooling2D((2, 1), name="pool6")(x)  # (N, 2, W / 4, d)
    x = layers.ZeroPadding2D(((0, 0), (0, 1)), name="pad7")(x)
    x = layers.ReLU(name="relu7")(conv(x, d, "conv7", 2))  # (N, 1, W / 4, d)
    x = layers.Reshape((-1, d), name="sequence")(x)
    x = bidirectional(hidden, rnn, name="rnn1")(x)
    x = layers.Dense(hidden, name="join")(x)
    x = bidirectional(hidden, rnn, name="rnn2")(x)
    return keras.Model(lines, classify(x, classes), name="crnn")


NETWORKS = {"crnn": crnn, "crnn-gru": functools.partial(crnn, rnn="gru")}
"""Those that `recognition.METHODS` names."""


def as_network(model: Any) -> Network:
    """Wrap a model as the plain callable that `Recognizer` takes: log-probabilities of CTC."""
    one = len(model.inputs) == 1

    def network(lines: Floats) -> tuple[Floats]:
        inputs = lines if one else [lines, np.zeros((len(lines), 0), np.int32)]
        answers = model(inputs, training=False)
        logits = answers if one else answers[0]
        return (np.asarray(keras.ops.log_softmax(logits, axis=2)),)

    return network
