"""Look for small print where it may be: at the picture's own size, where its lettering asked for a much smaller one."""

from __future__ import annotations

import cv2
import numpy as np

from common.arrays import Image, Quads, Scores
from common.pyramid import ImagePyramid
from common.quads import coverage
from common.roles import Detector
from detection.scales import scale_for
from detection.small_print import SmallPrint, find_windows
from detection.windows import Window
from ocr.settings import Settings
from ocr.sheet import Models, Sheet


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Add the lines of small print; a step of the chain."""
    if sheet.single_line:
        return sheet
    quads, scores = sheet.quads, sheet.scores
    own, pyramid, scale = settings.small_print, ImagePyramid(sheet.image), 1.0
    least = own.min_side
    seen = scale_for(quads, (sheet.image.shape[0], sheet.image.shape[1]), settings.detect)
    while max(sheet.image.shape[:2]) * scale >= least:
        picture, half = pyramid.at(scale), pyramid.at(scale / 2)
        grey = np.asarray(cv2.cvtColor(half, cv2.COLOR_RGB2GRAY), np.uint8)
        known = np.asarray(quads * scale, np.float32)
        windows = find_windows(grey, np.asarray(known / 2, np.float32), own, seen=2 * seen / scale)
        found, sure = look_in(picture, windows, known, models.detector, own)
        quads = np.concatenate([quads, np.asarray(found / scale, np.float32)])
        scores = np.concatenate([scores, sure])
        # Print somewhat larger than the finest, which is still too small for the whole of a very large picture.
        scale, least = scale / 2, own.max_side
    return sheet.having(quads=quads, scores=scores)


def look_in(
    picture: Image, windows: list[Window], known: Quads, detect: Detector, settings: SmallPrint
) -> tuple[Quads, Scores]:
    """Find lines in windows of a picture.

    Args:
        picture: (H, W, 3), at the size at which the print can be read.
        windows: parts of it, those first that are most likely to have any.
        known: (M, 4, 2) the lines that were found on it.
        detect: finds the lines of a picture.
        settings: of this step.

    Returns:
        Further lines and their scores, in pixels of the picture.
    """
    quads, scores = np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)
    for tried, window in enumerate(windows):
        if tried == settings.patience and not len(quads):
            break
        found, sure = _look(picture, window, known, detect, settings)
        quads, scores = np.concatenate([quads, found]), np.concatenate([scores, sure])
    return _without_repeats(quads, scores, settings.max_covered)


def _look(
    picture: Image, window: Window, known: Quads, detect: Detector, settings: SmallPrint
) -> tuple[Quads, Scores]:
    """Find the lines in a window that are not known, and enlarge it where these go on beyond it."""
    size = (picture.shape[0], picture.shape[1])
    for growth in range(settings.growths + 1):
        x0, y0, x1, y1 = window
        # Copied, for a detector may be another process's: a view would take all of the picture along.
        part = np.ascontiguousarray(picture[y0:y1, x0:x1])
        quads, scores = detect(part, min_side=max(part.shape[:2]))
        quads = np.asarray(quads + np.array([x0, y0], np.float32), np.float32)
        new = ~(coverage(quads, known) > settings.max_covered).any(axis=1)
        quads, scores = quads[new], np.asarray(scores[new], np.float32)
        larger = _following(window, quads, size, settings)
        if growth == settings.growths or larger == window:
            break
        window = larger
    return quads, scores


def _following(window: Window, quads: Quads, size: tuple[int, int], settings: SmallPrint) -> Window:
    """The window, enlarged to the sides where lines reach its edge and the picture of (height, width) goes on."""
    x, y, edge, step = quads[..., 0], quads[..., 1], settings.edge, 2 * settings.margin
    return Window(
        max(0, window.x0 - step * bool((x < window.x0 + edge).any())),
        max(0, window.y0 - step * bool((y < window.y0 + edge).any())),
        min(size[1], window.x1 + step * bool((x > window.x1 - edge).any())),
        min(size[0], window.y1 + step * bool((y > window.y1 - edge).any())),
    )


def _without_repeats(quads: Quads, scores: Scores, max_covered: float) -> tuple[Quads, Scores]:
    """Lines without those that are inside larger ones: windows may overlap."""
    sizes = np.prod(quads.max(axis=1) - quads.min(axis=1), axis=1)
    inside = coverage(quads, quads) > max_covered
    largest_first = np.argsort(-sizes, kind="stable")
    kept: list[int] = []
    for i in largest_first.tolist():
        if not inside[i, kept].any():
            kept.append(i)
    kept.sort()
    return quads[kept], scores[kept]
