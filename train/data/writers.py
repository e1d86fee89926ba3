"""Write samples in the format of this project, PaddleOCR, DTRB or a labelling tool.

Every writer is used in a `with` block; a label file of the whole set appears when the block ends without an error.
Pictures are written anew, as a viewer shows them: an EXIF orientation is gone and boxes fit what is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import cv2
import numpy as np

from common.arrays import Image
from common.quads import crop
from ocr.formats import save
from train.data.samples import Line, LineSample, PageSample

Sample = PageSample | LineSample
_LMDB_BYTES = 1 << 30
"""First size of the map of an LMDB; doubled when it is full."""
_LMDB_BATCH = 1000
"""Entries of one transaction: each of them waits for the disk."""


class Writer(Protocol):
    """Takes samples one at a time."""

    def add(self, sample: Sample) -> None:
        """Write one picture and remember its labels."""
        ...


@dataclass(frozen=True)
class WriterOptions:
    """How pictures are written.

    Attributes:
        jpeg: quality from 1 to 100, or None for PNG, which loses nothing.
        source: what the records of a `labels.jsonl` say they come from.
    """

    jpeg: int | None = None
    source: str = "labelled"


class _PictureFolder:
    """Numbered pictures of one folder, and label files that appear at the end."""

    def __init__(self, folder: Path, options: WriterOptions) -> None:
        self.folder, self.options = folder, options
        self.count = 0
        self._streams: dict[str, IO[str]] = {}

    def picture(self, stem: str, image: Image, inside: str = "") -> str:
        """Write a picture and return its path below the folder."""
        data, suffix = encoded(image, self.options.jpeg)
        name = f"{inside}{stem}{suffix}"
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return name

    def label(self, file: str, line: str) -> None:
        """Add a line to a label file of the folder."""
        if file not in self._streams:
            path = self.folder / f"{file}.part"
            self._streams[file] = path.open("w", encoding="utf-8", newline="\n")
        self._streams[file].write(line + "\n")

    def close(self, *, complete: bool) -> None:
        for file, stream in self._streams.items():
            stream.close()
            part = self.folder / f"{file}.part"
            if complete:
                part.replace(self.folder / file)
            else:
                part.unlink()


class _Jsonl(_PictureFolder):
    """`labels.jsonl` of this project: one JSON object a line for each picture."""

    def add(self, sample: Sample) -> None:
        name = self.picture(f"{self.count:06d}", sample.image, "images/")
        self.count += 1
        is_line = isinstance(sample, LineSample)
        lines = [_record(None, sample.text)] if is_line else [_record(x) for x in sample.lines]
        kind = "line" if is_line else "document"
        record = {"image": name, "source": self.options.source, "kind": kind, "lines": lines}
        self.label("labels.jsonl", json.dumps(record, ensure_ascii=False))


class _Paddle(_PictureFolder):
    """`Label.txt` for pages, which PPOCRLabel opens, and `rec_gt.txt` for lines.

    As PPOCRLabel does, pages stand beside `Label.txt`, which names them with the folder's own name before.
    """

    def add(self, sample: Sample) -> None:
        stem = f"{self.count:06d}"
        self.count += 1
        if isinstance(sample, LineSample):
            name = self.picture(stem, sample.image, "crop_img/")
            self.label("rec_gt.txt", f"{name}\t{_one_line(sample.text)}")
            return
        name = f"{self.folder.resolve().name}/{self.picture(stem, sample.image)}"
        lines = [
            {
                "transcription": "###" if line.ignore else _one_line(line.text),
                "points": _corners(line, 1),
                "difficult": bool(line.ignore),
            }
            for line in sample.lines
        ]
        self.label("Label.txt", f"{name}\t{json.dumps(lines, ensure_ascii=False)}")


class _Icdar(_PictureFolder):
    """ICDAR 2015: `gt_img_1.txt` beside `img_1.png` for pages, `gt.txt` beside `word_1.png` for lines.

    Corners are rounded to whole pixels, as the format has them. A page without lines has an empty file, which readers
    may take for one that nobody has labelled.
    """

    def add(self, sample: Sample) -> None:
        self.count += 1
        if isinstance(sample, LineSample):
            name = self.picture(f"word_{self.count}", sample.image)
            text = _one_line(sample.text).replace("\\", "\\\\").replace('"', '\\"')
            self.label("gt.txt", f'{name}, "{text}"')
            return
        self.picture(f"img_{self.count}", sample.image)
        rows = []
        for line in sample.lines:
            numbers = ",".join(str(round(value)) for corner in _corners(line) for value in corner)
            rows.append(f"{numbers},{'###' if line.ignore else _one_line(line.text)}\n")
        save(self.folder / f"gt_img_{self.count}.txt", "".join(rows).encode())


class _Labelme(_PictureFolder):
    """labelme: a JSON file beside each picture, which labelme opens; a line is a page of one line."""

    def add(self, sample: Sample) -> None:
        stem = f"{self.count:06d}"
        self.count += 1
        name = self.picture(stem, sample.image)
        height, width = sample.image.shape[:2]
        whole = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        is_line = isinstance(sample, LineSample)
        lines = (Line(whole, sample.text),) if is_line else sample.lines
        shapes = [
            {
                "label": "###" if line.ignore else _one_line(line.text),
                "points": _corners(line, 2),
                "group_id": None,
                "shape_type": "polygon",
                "flags": {"ignore": True} if line.ignore else {},
            }
            for line in lines
        ]
        record = {"version": "5.0.0", "flags": {}, "shapes": shapes, "imagePath": name}
        size = {"imageData": None, "imageHeight": height, "imageWidth": width}
        text = json.dumps({**record, **size}, ensure_ascii=False, indent=1)
        save(self.folder / f"{stem}.json", text.encode())


class _Lmdb:
    """DTRB: an LMDB with `image-%09d`, `label-%09d` and `num-samples`; lines alone, pages are cut into them."""

    def __init__(self, folder: Path, options: WriterOptions) -> None:
        self.options, self.count = options, 0
        self._environment = _open_lmdb(folder)
        self._waiting: list[tuple[bytes, bytes]] = []

    def add(self, sample: Sample) -> None:
        for line in to_lines(sample):
            self.count += 1
            picture, _ = encoded(line.image, self.options.jpeg)
            self._waiting.append((f"image-{self.count:09d}".encode(), picture))
            self._waiting.append((f"label-{self.count:09d}".encode(), line.text.encode()))
        if len(self._waiting) >= _LMDB_BATCH:
            self._flush()

    def close(self, *, complete: bool) -> None:
        # Without its count nobody takes what an interrupted run left for a whole set.
        if complete:
            self._waiting.append((b"num-samples", str(self.count).encode()))
            self._flush()
        self._environment.close()

    def _flush(self) -> None:
        import lmdb

        while self._waiting:
            try:
                with self._environment.begin(write=True) as transaction:
                    for key, value in self._waiting:
                        transaction.put(key, value)
                self._waiting.clear()
            except lmdb.MapFullError:
                self._environment.set_mapsize(2 * self._environment.info()["map_size"])


_WRITERS: Mapping[str, type[_Jsonl | _Paddle | _Icdar | _Labelme | _Lmdb]] = {
    "jsonl": _Jsonl,
    "paddle": _Paddle,
    "icdar": _Icdar,
    "labelme": _Labelme,
    "lmdb": _Lmdb,
}
FORMATS = tuple(_WRITERS)
"""Names of the formats that can be written."""


@contextmanager
def open_writer(name: str, folder: Path, options: WriterOptions | None = None) -> Iterator[Writer]:
    """Make `folder` and write a set of samples into it.

    Args:
        name: one of `FORMATS`.
        folder: must be missing or empty: two sets in one folder could not be told apart.
        options: see there.

    Raises:
        ValueError: there is no such format, or the folder holds something.
        ModuleNotFoundError: the format needs a package that is not installed.
    """
    if name not in _WRITERS:
        raise ValueError(f"no writer {name!r}; give one of {', '.join(FORMATS)}")
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; give a folder that is missing or empty")
    folder.mkdir(parents=True, exist_ok=True)
    writer = _WRITERS[name](folder, options or WriterOptions())
    complete = False
    try:
        yield writer
        complete = True
    finally:
        writer.close(complete=complete)


def to_lines(sample: Sample) -> Iterator[LineSample]:
    """Cut a page into its labelled lines, exactly along their quads; a line stays as it is.

    Left out are lines that are ignored or have no text.
    """
    if isinstance(sample, LineSample):
        yield sample
        return
    for number, line in enumerate(sample.lines, 1):
        if not line.ignore and line.text.strip():
            place = f"{sample.place} line {number}".strip()
            yield LineSample(crop(sample.image, line.quad), _one_line(line.text), place=place)


def encoded(image: Image, jpeg: int | None) -> tuple[bytes, str]:
    """Return an RGB picture as PNG, or as JPEG of a quality, and the suffix of its file."""
    bgr = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    if jpeg is None:
        return cv2.imencode(".png", bgr)[1].tobytes(), ".png"
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, jpeg])[1].tobytes(), ".jpg"


def _record(line: Line | None, text: str = "") -> dict[str, Any]:
    if line is None:
        return {"quad": None, "text": text, "ignore": False}
    return {"quad": _corners(line, 2), "text": line.text, "ignore": bool(line.ignore)}


def _corners(line: Line, digits: int = 0) -> list[list[float]]:
    return [[round(float(x), digits), round(float(y), digits)] for x, y in line.quad]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _open_lmdb(folder: Path) -> Any:  # noqa: ANN401
    try:
        import lmdb
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "an LMDB is written with the package lmdb; pip install -r requirements-train.txt"
        ) from error
    return lmdb.open(str(folder), map_size=_LMDB_BYTES)
