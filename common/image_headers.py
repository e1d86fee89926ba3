"""Read from headers how much memory decoding a picture takes, beyond its width and height."""

from __future__ import annotations

import struct
from typing import IO

import PIL.Image

_ICON = b"\0\0\1\0"
_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF_TILE_WIDTH, _TIFF_TILE_LENGTH = 322, 323

# ISO/IEC 23008-12 and its registered brands; avif and avis are decoded by Pillow itself.
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})

HEIF_HEAD = 64
"""Bytes that `is_heif` looks at."""

# Formats whose decoders keep several whole copies of the picture.
_COSTLY = {"WEBP": 0.5, "AVIF": 0.5, "HEIF": 0.5, "JPEG2000": 0.5}


def share_of_limit(picture: PIL.Image.Image) -> float:
    """The share of the usual limit on pixels up to which a picture's decoder keeps to the memory set aside."""
    if picture.format == "JPEG" and picture.info.get("progressive"):
        # All coefficients are kept until the last scan: 2 bytes for each sample.
        return 0.75 if len(picture.getbands()) > 3 else 1.0
    return _COSTLY.get(picture.format or "", 1.0)


def is_heif(head: bytes) -> bool:
    """Whether a file's beginning is that of a HEIC or HEIF picture."""
    if head[4:8] != b"ftyp":
        return False
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[place : place + 4] for place in range(16, size - 3, 4))}
    return bool(brands & _HEIF_BRANDS) and not brands & {b"avif", b"avis"}


def tile_size(picture: PIL.Image.Image) -> tuple[int, int]:
    """(width, height) of the tiles of an opened TIFF, which may be larger than the picture; (1, 1) without.

    The decoder holds a tile in memory, whatever part of it shows.
    """
    tags = getattr(picture, "tag_v2", None)
    if tags is None:
        return 1, 1
    width, height = tags.get(_TIFF_TILE_WIDTH, 1), tags.get(_TIFF_TILE_LENGTH, 1)
    if not (isinstance(width, int) and isinstance(height, int)):
        return 1, 1
    return max(1, width), max(1, height)


def icon_sizes(stream: IO[bytes]) -> list[tuple[int, int]]:
    """(width, height) of the pictures in a Windows icon; none for another format.

    Pillow decodes an icon while opening it, and its directory says less than 256 pixels of pictures of any size.
    The stream is left at its beginning.
    """
    try:
        head = stream.read(6)
        if head[:4] != _ICON or len(head) < 6:
            return []
        entries = stream.read(16 * int.from_bytes(head[4:], "little"))
        offsets = [
            place for (place,) in struct.iter_unpack("<12xI", entries[: len(entries) // 16 * 16])
        ]
        return [_embedded_size(stream, place) for place in offsets]
    finally:
        stream.seek(0)


def _embedded_size(stream: IO[bytes], place: int) -> tuple[int, int]:
    stream.seek(place)
    head = stream.read(24)
    if len(head) < 24:
        return 1, 1  # Pillow says what is wrong with it
    if head[:8] == _PNG:
        width, height = struct.unpack(">II", head[16:])
    else:
        width, height = struct.unpack("<ii", head[4:12])
    return abs(int(width)), abs(int(height))
