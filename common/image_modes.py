"""Convert pixels of any Pillow mode or array type to (H, W, 3) uint8 RGB, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from common.arrays import Image

_STRIP_PIXELS = 1 << 20  # pixels converted at a time, which bounds the temporary copies
_GREY_MODES = ("1", "L")
_COLOR_MODES = ("P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", "RGBA", "LA")  # the last two opaque
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow


def array_to_rgb(array: NDArray[np.generic]) -> Image:
    """An array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of bool, uint8 or uint16 as RGB.

    A contiguous RGB uint8 array comes back as it is.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype == np.uint16:
        array = _scale(array, 0, _white_level(int(array.max())))
    pixels = np.asarray(array, np.uint8)
    if pixels.ndim == 2:
        return _grey_to_rgb(pixels)
    if pixels.shape[2] == 4 and pixels[:, :, 3].min(initial=255) < 255:
        return _flatten(pixels, _ground([_ink(pixels)]))
    return np.ascontiguousarray(pixels[:, :, :3])


def _grey_to_rgb(grey: NDArray[np.generic]) -> Image:
    if not grey.size:  # OpenCV has no empty pictures
        return np.zeros((*grey.shape, 3), np.uint8)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2RGB), np.uint8)


def picture_to_rgb(picture: PIL.Image.Image, orientation: int = 1) -> Image:
    """A decoded picture of any mode as RGB, turned as its EXIF orientation (1 to 8) says.

    Transparent pictures are laid on white, or on black where what is drawn is light, so that it
    stays visible. Deep grey is scaled to its range, never clipped.
    """
    if picture.mode == "La":
        picture = picture.convert("LA")
    if picture.mode == "LAB":  # Pillow has no conversion: the lightness alone shows the text
        picture = picture.getchannel(0)
    height, width = picture.height, picture.width
    image = np.empty((width, height, 3) if orientation > 4 else (height, width, 3), np.uint8)
    stored = _as_stored(image, orientation)
    if picture.has_transparency_data and not _is_opaque(picture):
        ground = _ground([_ink(strip) for _, strip in _strips(picture, "RGBA")])
        for top, strip in _strips(picture, "RGBA"):
            stored[top : top + len(strip)] = _flatten(strip, ground)
    elif picture.mode in _GREY_MODES:
        for top, strip in _strips(picture, "L"):
            stored[top : top + len(strip)] = _grey_to_rgb(strip)
    elif picture.mode in _COLOR_MODES:
        for top, strip in _strips(picture, "RGB"):
            stored[top : top + len(strip)] = strip
    else:
        low, high = _grey_range(picture)
        for top, strip in _strips(picture, None):
            stored[top : top + len(strip)] = _scale(strip, low, high)[:, :, None]
    return image


def _is_opaque(picture: PIL.Image.Image) -> bool:
    """Whether a picture has room for transparency, but uses none: many a screenshot and scan."""
    return picture.mode in ("RGBA", "LA") and picture.getchannel("A").getextrema()[0] == 255


def _as_stored(image: Image, orientation: int) -> Image:
    """A view of a picture as shown in which rows and columns are those of the file."""
    # Shown is the stored picture turned counter-clockwise by quarters, then perhaps mirrored.
    quarters = {3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}.get(orientation, 0)
    turned = image[:, ::-1] if orientation in (2, 4, 5, 7) else image
    return np.rot90(turned, -quarters)


def _strips(
    picture: PIL.Image.Image, mode: str | None
) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """Rows of the picture from the top as (first row, array), converted to a mode if given."""
    width, height = picture.size
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = picture.crop((0, top, width, min(top + rows, height)))
        yield top, np.asarray(strip if mode is None else strip.convert(mode))


def _grey_range(picture: PIL.Image.Image) -> tuple[float, float]:
    """Black and white of a picture of one 16-bit, 32-bit or float channel."""
    limits = [_finite_range(strip) for _, strip in _strips(picture, None)]
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    if low >= 0 and picture.mode != "F":
        return 0.0, float(_white_level(int(high)))
    return low, high


def _finite_range(strip: NDArray[np.generic]) -> tuple[float, float]:
    values = np.nan_to_num(strip.astype(np.float32), posinf=0, neginf=0)
    return float(values.min()), float(values.max())


def _white_level(largest: int) -> int:
    """White of the narrowest usual depth (8 to 16 bits) that holds the largest value."""
    return next((white for white in (255, 1023, 4095, 16383, 65535) if largest <= white), largest)


def _scale(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Values from low to high as 0 to 255; NaN is 0."""
    spread = max(high - low, 1e-12)
    scaled = (np.nan_to_num(values.astype(np.float32)) - low) * (255 / spread)
    return np.asarray(np.clip(scaled + 0.5, 0, 255), np.uint8)


def _ink(pixels: NDArray[np.generic]) -> tuple[float, float]:
    """Sum of luma weighted by alpha, and sum of alpha, of RGBA pixels."""
    rgba = pixels.reshape(-1, 4).astype(np.float32)
    alpha = rgba[:, 3]
    return float((rgba[:, :3] @ _LUMA) @ alpha), float(alpha.sum(dtype=np.float64))


def _ground(inks: list[tuple[float, float]]) -> int:
    """White or black, whichever what is drawn stands out from; white when nothing is drawn."""
    luma, alpha = sum(luma for luma, _ in inks), sum(alpha for _, alpha in inks)
    return 0 if luma > 127.5 * alpha else 255


def _flatten(rgba: NDArray[np.generic], ground: int) -> Image:
    """RGBA pixels laid on a grey ground."""
    color, alpha = rgba[:, :, :3].astype(np.float32), rgba[:, :, 3:].astype(np.float32) / 255
    return np.asarray(color * alpha + (ground * (1 - alpha) + 0.5), np.uint8)
