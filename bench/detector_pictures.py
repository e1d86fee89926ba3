"""Draw a page with its truth and with what each detector found, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from bench.detector_runs import DetectorRun
from common.arrays import Floats, Image
from common.image import load
from train.data.samples import LabelledPage
from train.evaluate.page_metrics import match_pairs

PANEL = 900
"""Pixels of a panel's long side."""

HEAD = 24
"""Pixels above a panel, for its title."""

TRUE, RIGHT, WRONG, IGNORED = (31, 119, 180), (44, 160, 44), (214, 39, 40), (127, 127, 127)
"""Colors of a true line, of one found for it, of any other found, and of an ignored true line."""


def write_pictures(
    folder: Path, pages: Sequence[LabelledPage], runs: Mapping[str, DetectorRun]
) -> None:
    """Write one JPEG for each page, numbered in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(pages):
        name = f"{number:03d}-{page.source}-{page.path.stem}.jpg"
        found = {title: run.found[number] for title, run in runs.items()}
        quads = {title: [] if one is None else list(one.quads) for title, one in found.items()}
        Pillow.fromarray(draw(load(page.path), page, quads)).save(folder / name, quality=85)


def draw(
    image: Image, page: LabelledPage, found: Mapping[str, Sequence[Floats]], side: int = PANEL
) -> Image:
    """Draw the truth, and a panel for each detector; a dot marks the corner where a line begins.

    Args:
        image: the page's picture.
        page: its truth.
        found: quads by title.
        side: pixels of a panel's long side at most.
    """
    lines = [line for line in page.lines if line.quad is not None]
    true, ignore = [line.quad for line in lines], [line.ignore for line in lines]
    colors = [IGNORED if flag else TRUE for flag in ignore]
    panels = [_panel(image, "truth", zip(true, colors, strict=True), side)]  # type: ignore[arg-type]
    for title, quads in found.items():
        right = {j for _, j in match_pairs(quads, true, ignore)}  # type: ignore[arg-type]
        colors = [RIGHT if j in right else WRONG for j in range(len(quads))]
        panels.append(_panel(image, title, zip(quads, colors, strict=True), side))
    return np.concatenate(panels, axis=1)


def _panel(
    image: Image, title: str, lines: Iterable[tuple[Floats, tuple[int, int, int]]], side: int
) -> Image:
    scale = min(1.0, side / max(image.shape[:2]))
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    small = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    panel = np.full((HEAD + height, width, 3), 255, np.uint8)
    panel[HEAD:] = small // 2 + 127  # paler, so that the lines stand out
    cv2.putText(panel, title, (4, HEAD - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1)
    for quad, color in lines:
        points = np.round(quad * scale + (0, HEAD) - 0.5).astype(np.int32)
        cv2.polylines(panel, [points], True, color, 1, cv2.LINE_AA)
        cv2.circle(panel, tuple(int(v) for v in points[0]), 3, color, -1, cv2.LINE_AA)
    return panel
