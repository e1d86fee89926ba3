"""Read SynthText: `gt.mat` (imnames, wordBB, txt) beside the folders of its pictures; or the generator's own HDF5.

Boxes are of words: (2, 4, n) x and y of four corners, (2, 4) for a single one. `txt` has text blocks, padded and
of several lines, whose words follow the order of the boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from train.data.readers.files import RECORD_ERRORS, label_files, place_of, why
from train.data.readers.mat_files import MatReader, text_of
from train.data.readers.pages import AnnotatedPicture, Mark, make_page
from train.data.readers.pictures import locate
from train.data.readers.report import Report
from train.data.samples import PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    for path in label_files(folder, "gt.mat", "*.h5", "*.hdf5", "*.mat"):
        hdf5 = path.suffix.lower() in {".h5", ".hdf5"}
        yield from (_generated if hdf5 else _published)(path, folder, report)


def _published(path: Path, folder: Path, report: Report) -> Iterator[PageSample]:
    place = place_of(path, folder)
    # Boxes of characters are most of the file, and are not used.
    with MatReader("cells", "imnames", "wordBB", "txt") as reader:
        for number, record in enumerate(reader.records(path, report, place), 1):
            where = f"{place}:{number}"
            try:
                name, blocks = text_of(record["imnames"]), _strings(record["txt"])
                marks = _marks(where, np.asarray(record["wordBB"], np.float64), blocks)
            except RECORD_ERRORS as error:
                report.skip(where, why(error))
                continue
            sample = make_page(
                AnnotatedPicture(where, name, locate(name, [path.parent])), marks, report
            )
            if sample is not None:
                yield sample


def _strings(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [str(value)]


def _generated(path: Path, folder: Path, report: Report) -> Iterator[PageSample]:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"reading {path.name} needs h5py: pip install -r requirements-train.txt"
        ) from error
    place = place_of(path, folder)
    try:
        with h5py.File(path, "r") as file:
            for key in file["data"]:
                yield from _dataset(file["data"], key, f"{place}:{key}", report)
    except (OSError, KeyError, RuntimeError) as error:
        report.skip(place, f"damaged file: {error}")


def _dataset(group: Any, key: str, where: str, report: Report) -> Iterator[PageSample]:
    try:
        data = group[key]
        blocks = [b.decode("utf-8") if isinstance(b, bytes) else str(b) for b in data.attrs["txt"]]
        marks = _marks(where, np.asarray(data.attrs["wordBB"], np.float64), blocks)
        picture = np.asarray(data, np.uint8)
    except (*RECORD_ERRORS, OSError, RuntimeError) as error:
        report.skip(where, why(error))
        return
    sample = make_page(AnnotatedPicture(where, key, picture), marks, report)
    if sample is not None:
        yield sample


def _marks(where: str, boxes: Any, blocks: list[str]) -> list[Mark]:
    words = [word for block in blocks for word in block.split()]
    if boxes.ndim == 2:
        boxes = boxes[:, :, None]
    if boxes.shape[:2] != (2, 4) or boxes.shape[2] != len(words):
        raise ValueError(f"different counts: boxes of shape {boxes.shape}, {len(words)} words")
    quads = boxes.transpose(2, 1, 0)
    return [
        Mark(f"{where}[{number}]", quad, word)
        for number, (quad, word) in enumerate(zip(quads, words, strict=True))
    ]
