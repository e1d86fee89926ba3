"""Define the convolutions of VGG-16 in Keras: maps of conv5_3 at stride 16. See `common.vgg16_torch`."""

from __future__ import annotations

from typing import Any

from keras import layers

from common.batch_norm import EPS, MOMENTUM

WIDTHS = (64, 128, 256, 512, 512)
COUNTS = (2, 2, 3, 3, 3)


def vgg16(
    images: Any, widths: tuple[int, int, int, int, int] = WIDTHS, *, normalized: bool = True
) -> Any:
    """Add the thirteen convolutions, named `trunk.conv1_1` and so on, to a functional model.

    Args:
        images: (N, H, W, 3) symbolic.
        widths: channels of the five blocks.
        normalized: batch norm after every convolution; without it the convolutions have biases.

    Returns:
        (N, H / 16, W / 16, C) symbolic, not negative.
    """
    x = images
    for block, (count, width) in enumerate(zip(COUNTS, widths, strict=True), 1):
        if block > 1:
            x = layers.MaxPooling2D(2, name=f"trunk.pool{block - 1}")(x)
        for layer in range(1, count + 1):
            name = f"{block}_{layer}"
            x = layers.ZeroPadding2D(1, name=f"trunk.pad{name}")(x)
            x = layers.Conv2D(
                width,
                3,
                use_bias=not normalized,
                kernel_initializer="he_normal",
                name=f"trunk.conv{name}",
            )(x)
            if normalized:
                x = layers.BatchNormalization(
                    epsilon=EPS, momentum=1 - MOMENTUM, name=f"trunk.norm{name}"
                )(x)
            x = layers.ReLU(name=f"trunk.relu{name}")(x)
    return x
