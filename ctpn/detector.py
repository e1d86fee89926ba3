"""Picture in, text lines out: looks at two or three sizes, each preprocess, network, proposals and lines."""

from __future__ import annotations

import numpy as np

from common.arrays import Floats, Image, Network, Quads, Scores
from common.pyramid import Sizes
from common.quads import covered
from ctpn import nms
from ctpn.proposals import Proposals, propose
from ctpn.textlines import TextLines, connect
from detection import tiles
from detection.preprocess import MEAN, STD
from detection.scales import Limits, look_scale, working_scale

SAME_SCALE = 1.2
"""A second look that is less than this much larger than the first finds nothing new."""

LARGE = 120.0
"""Pixels of height in the second look from which the first look sees a line better."""

LETTERING = 48.0
"""Pixels of height in the first look from which a look at half its size sees a line better."""


class Detector:
    """Finds the lines of text in an upright picture.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 16 to probabilities (1, R, C, 10),
            vertical offsets (1, R, C, 10, 2) and side offsets (1, R, C, 10).
        strip_threshold: least probability of a strip.
        line_threshold: least mean probability of a line's strips.
        lone_threshold: the same for a line of a single strip, which has no neighbours to confirm
            it.
        gap_ratio: widest gap inside a line, in heights.
        text_height: pixels that the text should have in the second look.
        look_side: long side of the first look in pixels.
        usual_side: greatest long side of the second look at a page full of text that is large enough there.
        max_side: the same for any other.
        tile_pixels: largest input of the network: more is cut into overlapping pieces.
        mean: of the channels in 0 to 1, subtracted.
        std: of the channels in 0 to 1, divided by.
        suppression: "auto", "cython", "cuda" or "numpy".
        vertical: lines run from top to bottom, as in columns of Chinese: the picture is looked at
            lying on its left side, where columns are rows.
    """

    def __init__(
        self,
        network: Network,
        *,
        strip_threshold: float = 0.3,
        line_threshold: float = 0.35,
        lone_threshold: float = 0.5,
        gap_ratio: float = 1.0,
        text_height: float = 24.0,
        look_side: int = 640,
        usual_side: int = 1280,
        max_side: int = 1600,
        tile_pixels: int = 2_100_000,
        mean: tuple[float, float, float] = MEAN,
        std: tuple[float, float, float] = STD,
        suppression: str = "auto",
        vertical: bool = False,
    ) -> None:
        self._network = network
        self._strip_threshold = strip_threshold
        self._line_threshold = line_threshold
        self._lone_threshold = lone_threshold
        self._gap_ratio = gap_ratio
        self._text_height = text_height
        self._limits = Limits(look_side, usual_side, max_side)
        self._tile_pixels = tile_pixels
        self._mean, self._std = mean, std
        # By name, so that a detector can be sent to another process; here it fails where there is none.
        self._suppression = suppression
        nms.implementation(suppression)
        self._vertical = vertical

    def __call__(self, image: Image, /, *, min_side: int = 0) -> tuple[Quads, Scores]:
        """Detect lines.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
            min_side: Pixels along the long side at which the picture is looked at least, where it has as many.
                Hardly finds more lines on an upright picture, but does on one turned by quarters; up to twice the time.

        Returns:
            Quads (M, 4, 2) in pixels of `image`, clockwise from the top left, and their scores
            (M,). A picture without text gives none.

        Raises:
            ValueError: an array of another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(f"image is {image.dtype} {image.shape}, expected uint8 (H, W, 3)")
        if not self._vertical:
            return self._find(image, min_side)
        quads, scores = self._find(np.ascontiguousarray(np.rot90(image)), min_side)
        return _stand_up(quads, image.shape[1]), scores

    def _find(self, image: Image, least_side: int) -> tuple[Quads, Scores]:
        """Detect lines that run along the rows."""
        size, sizes = (image.shape[0], image.shape[1]), Sizes(image)
        look = look_scale(size, self._limits)
        strips, first = self._detect(sizes.at(look), size)
        if not len(first.quads) or float(_heights(first.quads).max()) * look >= LETTERING:
            _, small = self._detect(sizes.at(look / 2), size)
            first = _combine(small, first, LETTERING / look)
        heights = strips.boxes[:, 3] - strips.boxes[:, 1]
        scale = working_scale(heights, size, look, self._text_height, self._limits, least_side)
        if scale <= SAME_SCALE * look:
            return first.quads, first.scores
        _, second = self._detect(sizes.at(scale), size)
        lines = _combine(first, second, LARGE / scale)
        return lines.quads, lines.scores

    def _detect(self, resized: Image, whole: tuple[int, int]) -> tuple[Proposals, TextLines]:
        """Strips in pixels of the resized picture, lines in those of the whole one, (height, width)."""
        scores, deltas, sides = tiles.run(
            self._network, resized, self._mean, self._std, self._tile_pixels
        )
        suppress = nms.implementation(self._suppression)
        strips = propose(scores, deltas, sides, threshold=self._strip_threshold, suppress=suppress)
        lines = connect(strips, gap_ratio=self._gap_ratio)
        sure = np.where(lines.counts > 1, self._line_threshold, self._lone_threshold)
        kept = lines.scores >= sure
        size = np.array([whole[1], whole[0]], np.float32)
        back = size / np.array([resized.shape[1], resized.shape[0]], np.float32)
        quads = np.clip(lines.quads[kept] * back, 0, size).astype(np.float32)
        return strips, TextLines(quads, lines.scores[kept], lines.counts[kept])


def _stand_up(quads: Quads, width: int) -> Quads:
    """Map quads (M, 4, 2) back from a picture turned counterclockwise; `width` is the upright one's.

    A row's lower left corner is the column's upper left one, where its text begins.
    """
    x, y = width - quads[..., 1], quads[..., 0]
    return np.roll(np.stack([x, y], axis=-1), 1, axis=1).astype(np.float32)


def _heights(quads: Quads) -> Floats:
    heights: Floats = np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)
    return heights


def _thickness(quads: Quads) -> Floats:
    """Height of rows, width of columns (M,)."""
    widths = np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1)
    return np.asarray(np.minimum(_heights(quads), widths), np.float32)


def _combine(coarse: TextLines, fine: TextLines, large: float) -> TextLines:
    """Lines of a fine look, those of a coarse look above `large` pixels in place of their fragments."""
    kept = _heights(coarse.quads) >= large
    quads = coarse.quads[kept]
    # Small print inside large lettering stays: only pieces at least half as thick are its fragments.
    alike = _thickness(fine.quads)[:, None] >= 0.5 * _thickness(quads)[None]
    whole = ~((covered(fine.quads, quads) > 0.5) & alike).any(axis=1)
    return TextLines(
        np.concatenate([fine.quads[whole], quads]),
        np.concatenate([fine.scores[whole], coarse.scores[kept]]),
        np.concatenate([fine.counts[whole], coarse.counts[kept]]),
    )
