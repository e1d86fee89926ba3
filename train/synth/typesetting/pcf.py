"""List the characters of a bitmap font in X11's PCF format; FreeType draws them but fontTools cannot list them."""

from __future__ import annotations

import struct
from pathlib import Path

_MAGIC = b"\x01fcp"
_ENCODINGS = 1 << 5
_BIG_ENDIAN = 4
_NO_GLYPH = 0xFFFF


def code_points(path: Path) -> frozenset[int]:
    """Return the code points of a PCF font whose encoding is ISO 10646.

    Raises:
        ValueError: not a PCF font, or one that ends early.
    """
    data = path.read_bytes()
    try:
        start = _table(data, _ENCODINGS)
        order = ">" if struct.unpack_from("<I", data, start)[0] & _BIG_ENDIAN else "<"
        low, high, first, last, _ = struct.unpack_from(f"{order}5H", data, start + 4)
        wide = high - low + 1
        count = wide * (last - first + 1)
        glyphs = struct.unpack_from(f"{order}{count}H", data, start + 14)
    except struct.error as error:
        raise ValueError(f"{path}: this PCF font ends early ({error})") from error
    return frozenset(
        (first + i // wide) << 8 | (low + i % wide)
        for i, glyph in enumerate(glyphs)
        if glyph != _NO_GLYPH
    )


def _table(data: bytes, kind: int) -> int:
    """Return where a table starts."""
    if data[:4] != _MAGIC:
        raise ValueError(f"not a PCF font: it begins with {data[:4]!r}, expected {_MAGIC!r}")
    for i in range(struct.unpack_from("<I", data, 4)[0]):
        found, _, _, offset = struct.unpack_from("<4I", data, 8 + 16 * i)
        if found == kind:
            return int(offset)
    raise ValueError(f"this PCF font has no table of type {kind}")
