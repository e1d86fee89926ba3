"""Names for array types, and the one legend of coordinates and shape letters.

Coordinates are pixels, x to the right before y downwards, floats, with pixel *edges* at integers: the first pixel
covers 0 to 1 and its middle is 0.5. Sizes are (height, width), like array shapes. The corners of a quad run clockwise,
starting at the text's own top left.

Shape letters: N pictures, C channels or classes, H height, W width, T time steps, K anchors, M boxes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Floats: TypeAlias = NDArray[np.float32]
"""Any float32 array."""

Quads: TypeAlias = NDArray[np.float32]
"""(M, 4, 2) corners x, y."""

Boxes: TypeAlias = NDArray[np.float32]
"""(M, 4) as x0, y0, x1, y1, edges exclusive."""

Scores: TypeAlias = NDArray[np.float32]
"""(M,) in [0, 1]."""

Network: TypeAlias = Callable[[Floats], tuple[Any, ...]]
"""A plain callable from one batch (N, C, H, W) float32 to a tuple of arrays."""
