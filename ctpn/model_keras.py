"""Define the CTPN of the paper in Keras: pictures to logits and offsets for every anchor.

Tian et al. 2016. Layer names are those of `ctpn.model_torch.VGG16CTPN`, which tells what is added
to the paper and why.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from common.arrays import Floats, Network
from common.recurrent_keras import bidirectional
from common.vgg16_keras import WIDTHS, vgg16
from ctpn.anchors import ANCHOR_HEIGHTS

ANCHORS = len(ANCHOR_HEIGHTS)


class AlongRows(layers.Layer):
    """A bidirectional LSTM over every row of maps: (N, R, C, F) to (N, R, C, 2 hidden)."""

    def __init__(self, hidden: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = hidden
        self.rows = bidirectional(hidden, name="bidirectional")

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.rows.build((None, None, input_shape[-1]))
        super().build(input_shape)

    def call(self, maps: Any) -> Any:
        """Run along the rows."""
        shape = ops.shape(maps)
        along = self.rows(ops.reshape(maps, (-1, shape[2], maps.shape[3])))
        return ops.reshape(along, (-1, shape[1], shape[2], 2 * self.hidden))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Keep the grid."""
        return (*input_shape[:3], 2 * self.hidden)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "hidden": self.hidden}


class Pairs(layers.Layer):
    """Split the channels into two numbers for each anchor: (N, R, C, 2 K) to (N, R, C, K, 2)."""

    def call(self, maps: Any) -> Any:
        """Split."""
        shape = ops.shape(maps)
        return ops.reshape(maps, (-1, shape[1], shape[2], maps.shape[3] // 2, 2))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Keep the grid."""
        return (*input_shape[:3], input_shape[3] // 2, 2)


class Difference(layers.Layer):
    """The logit of a softmax over two scores, (…, 2) to (…): text minus background."""

    def call(self, pairs: Any) -> Any:
        """Subtract."""
        return pairs[..., 1] - pairs[..., 0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Drop the last axis."""
        return input_shape[:-1]


def _score_bias(shape: Any, dtype: Any = None) -> Any:
    """Text is rare among anchors: even numbers are the scores of background."""
    return ops.convert_to_tensor(np.tile([2.0, -2.0], shape[0] // 2), dtype)


def vgg16_ctpn(
    widths: tuple[int, int, int, int, int] = WIDTHS,
    features: int = 512,
    hidden: int = 128,
    *,
    normalized: bool = True,
) -> keras.Model:
    """Make the model.

    (N, 3, H, W), sides multiples of 16, to logits (N, R, C, K), vertical offsets (N, R, C, K, 2) and
    side offsets (N, R, C, K).

    Args:
        widths: channels of the trunk's five blocks.
        features: channels of the convolution after the trunk and of the linear layer.
        hidden: recurrent units in each direction.
        normalized: batch norm in the trunk.
    """
    images = layers.Input((3, None, None), name="images")
    x = layers.Permute((2, 3, 1), name="channels_last")(images)
    x = vgg16(x, widths, normalized=normalized)
    x = layers.ZeroPadding2D(1, name="pad")(x)
    x = layers.Conv2D(features, 3, kernel_initializer="he_normal", name="conv")(x)
    x = layers.ReLU(name="conv.relu")(x)
    x = AlongRows(hidden, name="lstm")(x)
    x = layers.Dense(features, kernel_initializer="he_normal", name="fc")(x)
    x = layers.ReLU(name="fc.relu")(x)
    small = keras.initializers.RandomNormal(stddev=0.01)
    # Heads stay in float32 when everything else is computed in less.
    head = {"kernel_initializer": small, "dtype": "float32"}
    scores = layers.Dense(2 * ANCHORS, bias_initializer=_score_bias, name="score", **head)(x)
    deltas = layers.Dense(2 * ANCHORS, name="delta", **head)(x)
    sides = layers.Dense(ANCHORS, name="side", **head)(x)
    logits = Difference(name="logits", dtype="float32")(
        Pairs(name="score_pairs", dtype="float32")(scores)
    )
    pairs = Pairs(name="delta_pairs", dtype="float32")(deltas)
    return keras.Model(images, [logits, pairs, sides], name="ctpn")


def as_network(model: Any) -> Network:
    """Wrap a model as the plain callable that `Detector` takes."""

    def network(images: Floats) -> tuple[Floats, ...]:
        logits, deltas, sides = (np.asarray(a) for a in model(images, training=False))
        return (1 / (1 + np.exp(-logits)), deltas, sides)

    return network
