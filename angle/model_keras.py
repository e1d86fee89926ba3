"""Score the four turns of patches of a page: the original system's network in Keras.

Layer names are those of `angle.model_torch.VGG16Angle`.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from common.arrays import Floats, Network
from common.vgg16_keras import WIDTHS, vgg16


def vgg16_angle(
    widths: tuple[int, int, int, int, int] = WIDTHS, *, normalized: bool = True
) -> keras.Model:
    """Make the model: (N, 1, S, S) of zero mean and unit deviation to (N, 4) logits.

    Args:
        widths: channels of the trunk's five blocks.
        normalized: batch norm in the trunk.
    """
    patches = layers.Input((1, None, None), name="patches")
    grey = layers.Permute((2, 3, 1), name="channels_last")(patches)
    x = layers.Concatenate(name="colors")([grey, grey, grey])
    x = vgg16(x, widths, normalized=normalized)
    x = layers.GlobalAveragePooling2D(name="pooled")(x)
    # Logits stay in float32 when everything else is computed in less.
    return keras.Model(patches, layers.Dense(4, name="head", dtype="float32")(x), name="angle")


def as_network(model: Any) -> Network:
    """Wrap a model as the plain callable that `Classifier` takes."""

    def network(patches: Floats) -> tuple[Floats]:
        return (np.asarray(model(patches, training=False)),)

    return network
