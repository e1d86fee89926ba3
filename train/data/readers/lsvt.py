"""Read ICDAR 2019 LSVT, fully labelled part: `train_full_labels.json` and `train_full_images_<i>/gt_<n>.jpg`.

The weakly labelled part names a word of each picture without its place, which trains nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.data.readers.points_json import read_points_json
from train.data.readers.report import Report
from train.data.samples import LineSample, PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample | LineSample]:
    return read_points_json(folder, report, "train_full_labels.json", "*full_labels*.json")
