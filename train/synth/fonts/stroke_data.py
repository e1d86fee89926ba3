"""Fetch the strokes of Han characters like the typefaces; their middle lines alone are kept.

The npm package `hanzi-writer-data` has, for 9 574 simplified and traditional characters, the strokes in their order,
derived from the typefaces of Arphic. Its licence, the Arphic Public License, is that of Debian's fonts-arphic-* as
well: the data may be used and copied with it, so it is kept beside them. Nothing of them is part of this repository.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.synth.fonts import npm
from train.synth.fonts.cache import cache_folder

PACKAGE, VERSION = "hanzi-writer-data", "2.0.1"
INTEGRITY = "sha512-nbQwM+MaryGoq7pBMIZLCd3lFq03nXuJuwku1+6UbjL58uU+9OULVcMkoNvNuJSoIV7f1bbPRfD4D/LQa5S7qg=="
LICENCE = "ARPHICPL.TXT"
EM, TOP = 1024, 900
"""Units of a character's square; its upper edge, from which rows run down."""

Points = NDArray[np.float32]


class StrokeData(NamedTuple):
    """Middle lines of strokes, one array for all of them.

    Attributes:
        points: (P, 2) int16, x to the right and y down from the square's upper left corner, in `EM`ths of an em.
        strokes: (S + 1,) int32, the first point of each stroke, and the end.
        characters: (C + 1,) int32, the first stroke of each character, and the end.
        codes: from a code point to the number of its character.
    """

    points: NDArray[np.int16]
    strokes: NDArray[np.int32]
    characters: NDArray[np.int32]
    codes: Mapping[int, int]

    def of(self, character: str) -> tuple[Points, NDArray[np.int32]]:
        """Return the points of a character in ems, (n, 2), and of how many each of its strokes has.

        Raises:
            KeyError: its strokes are not known.
        """
        number = self.codes[ord(character)]
        bounds = self.strokes[self.characters[number] : self.characters[number + 1] + 1]
        points = self.points[bounds[0] : bounds[-1]].astype(np.float32) / EM
        return points, np.diff(bounds)


def strokes_path() -> Path:
    """Return where the fetched strokes lie; the file need not exist."""
    return cache_folder() / "strokes" / f"{PACKAGE}-{VERSION}.npz"


def fetch_strokes(path: Path | None = None) -> int:
    """Fetch the package, check it and write its middle lines to `path`, and its licence beside it.

    Returns:
        How many characters there are.

    Raises:
        npm.FetchError: the package cannot be had, or is not the one that is meant.
    """
    path = path or strokes_path()
    if not path.exists():
        folder = path.parent
        tarball = npm.fetch_tarball(PACKAGE, VERSION, INTEGRITY, folder)
        wanted = [
            name
            for name in npm.file_names(tarball)
            if name.endswith(f"/{LICENCE}") or len(Path(name).stem) == 1
        ]
        files = npm.read_files(tarball, wanted)
        medians = {
            Path(name).stem: json.loads(content)["medians"]
            for name, content in files.items()
            if name.endswith(".json")
        }
        (folder / LICENCE).write_bytes(files[f"package/{LICENCE}"])
        write_strokes(path, medians)
        tarball.unlink()
    return len(read_strokes(path).codes)


def write_strokes(path: Path, medians: Mapping[str, Sequence[Sequence[Sequence[float]]]]) -> None:
    """Write the strokes of characters, given as the package has them: y runs up to `TOP`."""
    names = sorted(medians)
    strokes = [np.asarray(stroke, np.float32) for name in names for stroke in medians[name]]
    points = np.concatenate(strokes) * [1, -1] + [0, TOP]
    partial = path.with_suffix(f".{os.getpid()}.npz")
    np.savez_compressed(
        partial,
        points=np.rint(points).astype(np.int16),
        strokes=np.cumsum([0, *map(len, strokes)], dtype=np.int32),
        characters=np.cumsum([0, *(len(medians[name]) for name in names)], dtype=np.int32),
        codes=np.array([ord(name) for name in names], np.int32),
    )
    partial.rename(path)


def read_strokes(path: Path | None = None) -> StrokeData | None:
    """Return the fetched strokes, None where they were not fetched."""
    path = path or strokes_path()
    if not path.exists():
        return None
    with np.load(path) as arrays:
        codes = {int(code): number for number, code in enumerate(arrays["codes"])}
        return StrokeData(arrays["points"], arrays["strokes"], arrays["characters"], codes)
