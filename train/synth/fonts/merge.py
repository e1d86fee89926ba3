"""Merge the pieces of a web font into one font file."""

from __future__ import annotations

import io
import logging
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fontTools.merge import Merger, Options
from fontTools.ttLib import TTFont

# One glyph per character is drawn, without layout and colors; pieces of these tables do not merge well.
UNUSED = (
    *("GSUB", "GPOS", "GDEF", "BASE", "JSTF", "MATH", "STAT", "kern", "vhea", "vmtx", "VORG"),
    *("DSIG", "LTSH", "hdmx", "VDMX", "meta", "FFTM", "PfEd", "TeX ", "prop"),
    *("SVG ", "COLR", "CPAL", "sbix", "CBDT", "CBLC"),
)
_DECODER = "woff2_decompress"


def merge_pieces(pieces: Sequence[bytes]) -> TTFont:
    """Merge web fonts of one face into one font; a character of several pieces is that of the first.

    Args:
        pieces: contents of woff2 files.

    Raises:
        ValueError: there is no piece.
    """
    # fontTools warns of tables that are dropped here.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    if not pieces:
        raise ValueError("no pieces to merge")
    streams = [io.BytesIO(_decoded(piece)) for piece in pieces]
    font = TTFont(streams[0])
    if len(streams) == 1:
        for tag in UNUSED:
            if tag in font:
                del font[tag]
    else:
        dates = font["head"].created, font["head"].modified
        font = Merger(Options(drop_tables=list(UNUSED))).merge(streams)
        font["head"].created, font["head"].modified = dates
    font.flavor = None
    font["post"].formatType = 3.0  # no names of glyphs
    font.recalcTimestamp = False  # the same pieces make the same bytes
    font.recalcBBoxes = False  # glyphs are as they were, and saved twenty times as fast
    return font


def _decoded(piece: bytes) -> bytes:
    """Decode woff2 with the program for that where there is one: fontTools takes a hundred times as long."""
    if shutil.which(_DECODER) is None:
        return piece
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "piece.woff2"
        path.write_bytes(piece)
        done = subprocess.run([_DECODER, str(path)], capture_output=True, check=False)
        decoded = path.with_suffix(".ttf")
        return piece if done.returncode or not decoded.exists() else decoded.read_bytes()
