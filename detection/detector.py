"""Find the lines of a picture by any method: passes at two or three scales, in tiles, merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from common.arrays import Floats, Image, Network, Quads, Scores
from common.pyramid import ImagePyramid
from common.quads import coverage
from detection import tiles
from detection.method import DetectionMethod, Lines
from detection.preprocess import MEAN, STD
from detection.scales import ScaleSettings, coarse_scale, working_scale


class Detector:
    """Find the lines of text in an upright picture.

    Args:
        network: (1, 3, H, W) float32, H and W multiples of the method's stride, to the method's outputs.
        method: makes lines of them.
        scales: of the passes.
        tile_pixels: largest input of the network: more is cut into overlapping tiles.
        mean: of the channels in 0 to 1, subtracted.
        std: of the channels in 0 to 1, divided by.
        vertical: lines run from top to bottom, as in columns of Chinese: the passes see the picture
            lying on its left side, where columns are rows.
    """

    def __init__(
        self,
        network: Network,
        method: DetectionMethod,
        *,
        scales: ScaleSettings = ScaleSettings(),  # noqa: B008 - frozen
        tile_pixels: int = 2_100_000,
        mean: tuple[float, float, float] = MEAN,
        std: tuple[float, float, float] = STD,
        vertical: bool = False,
    ) -> None:
        self._network = network
        self._method = method
        self._scales = scales
        self._tile_pixels = tile_pixels
        self._mean, self._std = mean, std
        self._vertical = vertical

    def __call__(self, image: Image, /, *, min_side: int = 0) -> tuple[Quads, Scores]:
        """Detect lines.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
            min_side: least long side of the second pass, where the picture has as many pixels. 0 leaves that pass
                out where the coarse one shows text large enough. On an upright picture more hardly finds more; on
                one turned by quarters and half turns, as pictures are to tell which way up they are, it does. Takes
                up to twice as long.

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

    def _find(self, image: Image, min_side: int) -> tuple[Quads, Scores]:
        """Detect lines that run along the rows."""
        size, pyramid, settings = (
            (image.shape[0], image.shape[1]),
            ImagePyramid(image),
            self._scales,
        )
        scale = coarse_scale(size, settings)
        coarse = self._pass(pyramid.at(scale), size)
        heights = coarse.heights
        tallest = float(_heights(coarse.quads).max(initial=0)) * scale
        if not len(coarse.quads) or tallest >= settings.lettering_height:
            half = self._pass(pyramid.at(scale / 2), size)
            coarse = _merge(half, coarse, settings.lettering_height / scale, settings)
        finer = working_scale(heights, size, scale, settings, min_side)
        if finer <= settings.same_scale * scale:
            return coarse.quads, coarse.scores
        fine = self._pass(pyramid.at(finer), size)
        lines = _merge(coarse, fine, settings.large_height / finer, settings)
        # What is too small for the coarse pass looks larger there than it is: the fine one may show that.
        finest = working_scale(fine.heights, size, finer, settings, min_side)
        if finest > settings.another_scale * finer:
            last = self._pass(pyramid.at(finest), size)
            lines = _merge(lines, last, settings.large_height / finest, settings)
        return lines.quads, lines.scores

    def _pass(self, resized: Image, whole: tuple[int, int]) -> Lines:
        """Detect lines at one scale: quads in pixels of the whole picture, (height, width), heights in this one's."""
        lines = self._method.decode(self.maps_of(resized))
        size = np.array([whole[1], whole[0]], np.float32)
        back = size / np.array([resized.shape[1], resized.shape[0]], np.float32)
        return lines._replace(quads=np.clip(lines.quads * back, 0, size).astype(np.float32))

    def maps_of(self, resized: Image) -> dict[str, Floats]:
        """Run the network over a picture at one scale, see `detection.tiles.run`."""
        method = self._method
        return tiles.run(
            self._network, resized, method.outputs, self._tile_pixels,
            stride=method.stride, mean=self._mean, std=self._std,
        )  # fmt: skip


def split_config(method: Any, config: Mapping[str, Any]) -> tuple[DetectionMethod, dict[str, Any]]:  # noqa: ANN401
    """Make a method and the other arguments of `Detector` from settings mixed, as a weight file holds them.

    Args:
        method: the method's class, a dataclass.
        config: fields of the method, fields of `ScaleSettings` and arguments of `Detector`.

    Returns:
        The method, and what is left for `Detector`, which knows what is none of these.
    """
    rest = dict(config)
    own, scales = (
        {field.name: rest.pop(field.name) for field in fields(kind) if field.name in rest}
        for kind in (method, ScaleSettings)
    )
    if scales:
        rest["scales"] = replace(rest.get("scales", ScaleSettings()), **scales)
    return method(**own), rest


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


def _merge(coarse: Lines, fine: Lines, large: float, settings: ScaleSettings) -> Lines:
    """Lines of a fine pass, those of a coarse pass above `large` pixels in place of their fragments.

    Print too small for the coarse pass may look like one large line there: the fine pass finds what it is made of.
    """
    kept = np.flatnonzero(_heights(coarse.quads) >= large)
    quads = coarse.quads[kept]
    inside = coverage(fine.quads, quads) > settings.fragment_coverage
    alike = _thickness(fine.quads)[:, None] >= settings.fragment_thickness * _thickness(quads)[None]
    print_inside = (inside & ~alike).T @ _areas(fine.quads)
    lettering = print_inside < settings.block_coverage * _areas(quads)
    quads, kept = quads[lettering], kept[lettering]
    whole = ~(inside & alike)[:, lettering].any(axis=1)
    return Lines(
        np.concatenate([fine.quads[whole], quads]),
        np.concatenate([fine.scores[whole], coarse.scores[kept]]),
        fine.heights,
    )


def _areas(quads: Quads) -> Floats:
    """Areas (M,) of quads, by their diagonals."""
    first, second = quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]
    areas: Floats = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    return areas
