"""Read labelled folders of any format as iterators of samples.

Every reader takes (folder, report) and gives `PageSample`s, `LineSample`s, or both, one at a time and each
picture decoded when it is reached. Where a set has several label files, the path of one of them may be given
in place of the folder. What cannot be read is left out and noted in the report. Quads are in pixels of the
picture as a viewer shows it. A line's text is empty, and the line not ignored, where a set has boxes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from train.data.readers.detect_format import guess
from train.data.readers.report import Report
from train.data.samples import LineSample, PageSample

Reader: TypeAlias = Callable[[Path, Report], Iterator[PageSample | LineSample]]

# Name to module; each module has one function `read`. Imported when asked for, since some need packages
# that reading pictures does not (requirements-train.txt has them).
_MODULES = {
    "art": "art",
    "caffe_ocr": "caffe_ocr",
    "coco_text": "coco_text",
    "ctpn_voc": "ctpn_voc",
    "ctw": "ctw",
    "doctr": "doctr",
    "fsns": "fsns",
    "icdar2013": "icdar2013",
    "icdar2015": "icdar2015",
    "icdar_words": "icdar_words",
    "jsonl": "jsonl",
    "labelme": "labelme",
    "lmdb": "dtrb_lmdb",
    "lsvt": "lsvt",
    "mjsynth": "mjsynth",
    "mlt2017": "mlt2017",
    "mtwi2018": "mtwi2018",
    "paddle_lines": "paddle_lines",
    "paddle_pages": "paddle_pages",
    "rctw17": "rctw17",
    "rects": "rects",
    "synthtext": "synthtext",
    "total_text": "total_text",
}


class _LazyReaders(Mapping[str, Reader]):
    """Readers by name; a reader's module is imported when the reader is asked for."""

    def __getitem__(self, name: str) -> Reader:
        return _counting(import_module(f"{__name__}.{_MODULES[name]}").read)

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


def _counting(reader: Reader) -> Reader:
    """The reader, adding what it gives out to the report."""

    def read_and_count(folder: Path, report: Report) -> Iterator[PageSample | LineSample]:
        for sample in reader(folder, report):
            report.read += 1
            yield sample

    return read_and_count


READERS: Mapping[str, Reader] = _LazyReaders()
"""Every format by name."""


def detect(folder: Path) -> str:
    """Name the format of a labelled folder (or of a label file) by the files that it holds.

    Raises:
        FileNotFoundError: there is no such folder or file.
        ValueError: it looks like none of the formats; the message says what was found.
    """
    return guess(Path(folder), tuple(READERS))


def read(
    name_or_path: str | Path, folder: Path | None = None, report: Report | None = None
) -> Iterator[PageSample | LineSample]:
    """Iterate over the samples of a folder: `read("rctw17", folder, report)`, or `read(folder, report=report)`.

    Args:
        name_or_path: a name in `READERS`, "auto" to guess, or (with no `folder`) the folder itself.
        folder: what to read.
        report: filled while the samples are taken; without one, what is left out is not told.

    Raises:
        ValueError: there is no such format, or none could be guessed.
        FileNotFoundError: there is no such folder, or it has no label file of the format.
    """
    name = "auto" if folder is None else str(name_or_path)
    place = Path(name_or_path) if folder is None else Path(folder)
    if name != "auto" and name not in READERS:
        raise ValueError(f"no reader {name!r}; give one of {', '.join(READERS)}, or auto")
    if not place.exists():
        raise FileNotFoundError(f"{place} does not exist: give the folder of a labelled set")
    return READERS[detect(place) if name == "auto" else name](
        place, Report() if report is None else report
    )
