"""Find and open the picture of a label as a viewer shows it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL.ExifTags import Base as Exif

from common.arrays import Image
from common.image import InputError, MissingFileError, decode, load, open_picture
from common.wording import counted
from train.data.readers.report import Report

SUFFIXES = frozenset(".jpg .jpeg .png .gif .bmp .tif .tiff .webp .ppm".split())
# EXIF orientation to the counter-clockwise degrees by which a viewer turns the stored picture.
_TURNS = {3: 180, 6: 270, 8: 90}


@dataclass(frozen=True)
class OpenedPicture:
    """A picture as shown, the (height, width) that its file stores, and by how much it was turned.

    `turn` is counter-clockwise degrees from stored to shown.
    """

    image: Image
    stored: tuple[int, int]
    turn: int = 0

    @property
    def shown(self) -> tuple[int, int]:
        """(height, width) as shown."""
        return self.image.shape[0], self.image.shape[1]


def open_for(
    source: Path | bytes | Image | None, report: Report, place: str, name: str
) -> OpenedPicture | None:
    """Decode the picture of a record; None where it is absent or damaged, which the report then says."""
    if source is None:
        report.skip(place, f"no picture: {name}")
        return None
    try:
        if isinstance(source, np.ndarray):
            image = load(source, name=name)
            return OpenedPicture(image, image.shape[:2])
        picture = open_picture(source, name=name)
        try:
            image = decode(picture, name=name)
            turn = _TURNS.get(picture.getexif().get(Exif.Orientation, 1), 0)
            return OpenedPicture(image, (picture.height, picture.width), turn)
        finally:
            picture.close()
    except MissingFileError:
        report.skip(place, f"no picture: {name}")
    except (InputError, OSError, SyntaxError, ValueError) as error:
        report.skip(place, f"damaged picture: {error}")
    return None


def locate(name: str, folders: Sequence[Path]) -> Path | None:
    """The first file at a path given in a label file, of either system's slashes, below one of some folders.

    Folders that the set was moved out of are left away one by one: a/b/c.jpg may be at b/c.jpg or at c.jpg.
    """
    parts = [part for part in name.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    tries = [Path(name)] if Path(name).is_absolute() else []
    for start in range(len(parts)):
        tries += [folder.joinpath(*parts[start:]) for folder in folders]
    for path in tries:
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):  # a name too long, or none that a system could have
            continue
    return None


class PictureIndex:
    """Every picture below a folder by its name without the last suffix.

    Args:
        folder: walked once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[str, list[Path]] = {}
        self._used: set[Path] = set()
        for root, folders, files in os.walk(folder):
            folders.sort()
            for file in sorted(files):
                path = Path(root, file)
                if path.suffix.lower() in SUFFIXES:
                    self._paths.setdefault(path.stem, []).append(path)

    @classmethod
    def of(cls, folder: Path) -> PictureIndex:
        """The pictures of a set, or those around a label file: in its folder or else in the one above."""
        if not folder.is_file():
            return cls(folder)
        beside = cls(folder.parent)
        return beside if beside._paths else cls(folder.parent.parent)

    def find(self, stem: str, label: Path) -> Path | None:
        """The picture of that name whose folders are the most like those of the label file.

        Sets have pictures of one name in their training and test folders.
        """
        paths = self._paths.get(stem, [])
        if not paths:
            return None
        words = Counter(_words(label.parent, self.folder))
        best = max(paths, key=lambda path: self._likeness(path, label, words))
        self._used.add(best)
        return best

    def _likeness(self, path: Path, label: Path, words: Counter[str]) -> tuple[int, int]:
        shared = sum((words & Counter(_words(path.parent, self.folder))).values())
        return shared, int(path.parent == label.parent)

    def report_unlabelled(self, report: Report) -> None:
        """Note the pictures that no label file asked for, once for each folder."""
        rest = Counter(
            path.parent
            for paths in self._paths.values()
            for path in paths
            if path not in self._used
        )
        for folder, count in sorted(rest.items()):
            place = folder.relative_to(self.folder).as_posix()
            report.skip(place, f"no labels for {counted(count, 'picture')}")


def _words(path: Path, folder: Path) -> list[str]:
    inner = path.relative_to(folder).as_posix() if folder in path.parents else ""
    return re.findall(r"[a-z]+|\d+", inner.lower())
