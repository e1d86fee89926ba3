"""Read ICDAR 2019 ArT: `train_labels.json` and `train_images/gt_<n>.jpg`.

Or its task 2: `train_task2_labels.json`, whose pictures are cropped lines. Polygons have four corners or more,
those of the top of the text first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.data.readers.points_json import read_points_json
from train.data.readers.report import Report
from train.data.samples import LineSample, PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample | LineSample]:
    return read_points_json(
        folder, report, "train_labels.json", "train_task2_labels.json", "*labels*.json"
    )
