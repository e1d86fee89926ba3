"""Make small whole files of every format that is read: what damage starts from."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import PIL.Image
from numpy.typing import NDArray


def seeds() -> list[bytes]:
    """The files, in an order that does not change."""
    rng = np.random.default_rng(11)
    noise = rng.integers(0, 256, (24, 36, 3), dtype=np.uint8)
    smooth = np.linspace(0, 255, 48 * 64).reshape(48, 64).astype(np.uint8)
    rgb, grey = PIL.Image.fromarray(noise), PIL.Image.fromarray(smooth)
    rgba = rgb.copy()
    rgba.putalpha(128)
    pages = [grey, grey.rotate(90), rgb]
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a picture"
    return [
        *_jpegs(rgb, grey, exif),
        *_pngs(rgb, grey, rgba, exif),
        *_tiffs(rgb, grey, pages),
        _saved(rgb, "BMP"),
        _saved(grey.quantize(4), "BMP"),
        _saved(rgb.quantize(16), "GIF"),
        _saved(pages[0], "GIF", more=pages[1:], duration=50),
        _saved(rgb, "WEBP", lossless=True, exif=exif),
        _saved(rgba, "WEBP", quality=60),
        _saved(pages[0], "WEBP", more=[pages[0].rotate(9)]),
        _saved(rgb, "JPEG2000"),
        _saved(grey, "AVIF", quality=40),
        _saved(rgb, "PPM"),
        b"P2\n# plain\n3 2\n255\n0 1 2\n3 4 255\n",
        _saved(rgba, "ICO", sizes=[(16, 16), (24, 24)]),
        _saved(grey, "ICO", sizes=[(16, 16)], bitmap_format="bmp"),
        _saved(rgb, "TGA", compression="tga_rle"),
        _saved(rgb, "PCX"),
        _saved(pages[0], "PDF", more=pages[1:]),
        _text_pdf(),
    ]


def _saved(
    picture: PIL.Image.Image, kind: str, more: Sequence[PIL.Image.Image] = (), **options: object
) -> bytes:
    stream = io.BytesIO()
    if more:
        options |= {"save_all": True, "append_images": [frame.copy() for frame in more]}
    # Copies, because Pillow notes settings of the encoder in a picture.
    picture.copy().save(stream, kind, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def _jpegs(rgb: PIL.Image.Image, grey: PIL.Image.Image, exif: PIL.Image.Exif) -> list[bytes]:
    return [
        _saved(rgb, "JPEG", quality=70, exif=exif),
        _saved(rgb, "JPEG", progressive=True, subsampling=0),
        _saved(grey, "JPEG", restart_marker_blocks=2),
        _saved(rgb.convert("CMYK"), "JPEG"),
        _saved(rgb, "MPO", more=[rgb]),
    ]


def _pngs(
    rgb: PIL.Image.Image, grey: PIL.Image.Image, rgba: PIL.Image.Image, exif: PIL.Image.Exif
) -> list[bytes]:
    deep: NDArray[np.uint16] = np.asarray(grey, np.uint16) * 257
    return [
        _saved(rgb, "PNG", exif=exif),
        _saved(rgba, "PNG"),
        _saved(rgb.quantize(8), "PNG", transparency=3),
        _saved(PIL.Image.fromarray(deep), "PNG"),
        _saved(grey.convert("1"), "PNG"),
        _saved(grey, "PNG", more=[grey.rotate(90)]),
    ]


def _tiffs(
    rgb: PIL.Image.Image, grey: PIL.Image.Image, pages: list[PIL.Image.Image]
) -> list[bytes]:
    return [
        _saved(pages[0], "TIFF", more=pages[1:]),
        _saved(rgb, "TIFF", compression="tiff_lzw"),
        _saved(rgb, "TIFF", compression="tiff_adobe_deflate"),
        tiled_tiff(16),
        _saved(grey, "TIFF", compression="jpeg"),
        _saved(grey.convert("1"), "TIFF", compression="group4"),
        _saved(PIL.Image.fromarray(np.asarray(grey, np.float32)), "TIFF"),
    ]


def tiled_tiff(side: int) -> bytes:
    """A grey TIFF of 16 x 16 pixels in one deflated tile of a side, a multiple of 16, which Pillow does not write."""
    tile = zlib.compress(bytes(side * side))
    values = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1, 322: side, 323: side}
    entries = {**values, 324: 8 + 2 + 12 * 10 + 4, 325: len(tile)}
    fields = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + fields + bytes(4) + tile


def _text_pdf() -> bytes:
    """A page with a line of text in a font that no file brings along."""
    content = b"BT /F1 24 Tf 20 40 Td (Hello) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 120 80]/Contents 4 0 R"
        b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content),
    ]
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = (len(objects) + 1, len(objects) + 1, len(data))
    return data + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (end[0], table, end[1], end[2])
    )
