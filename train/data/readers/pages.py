"""Make a `PageSample` from the annotations of one picture; report those that are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.arrays import Floats, Image
from common.quads import rotate_quads
from train.data.readers.pictures import OpenedPicture, open_for
from train.data.readers.polygon_to_quad import Points, inside, to_quad
from train.data.readers.report import Report
from train.data.samples import Line, LineSample, PageSample

ILLEGIBLE = frozenset({"###", "*"})
"""Labels that stand for text which cannot be read: neither text nor background."""

_SLACK = 2.0  # pixels that labels of a whole picture may lie outside by


@dataclass(frozen=True)
class Mark:
    """One annotation as the label file has it.

    `points` is (n, 2); `text` is None where the set has boxes alone; `quad` overrides what the points give.
    """

    place: str
    points: Points
    text: str | None
    ignore: bool = False
    quad: Floats | None = None


@dataclass(frozen=True)
class AnnotatedPicture:
    """The picture that some annotations are of.

    `size` is the (height, width) that the label file says, if it does; `relative`: corners are shares of it.
    `sure_start`: see `to_quad`. `failed`: annotations that could not even be taken apart.
    """

    place: str
    name: str
    picture: Path | bytes | Image | None
    size: tuple[int, int] | None = None
    relative: bool = False
    sure_start: bool = True
    failed: int = 0


def make_page(source: AnnotatedPicture, marks: Iterable[Mark], report: Report) -> PageSample | None:
    """Decode the picture and bring its lines to quads; None where nothing can be made of either.

    A box that lies mostly outside the picture, or has no label, is reported; what of it shows is ignored,
    since there may be text. A picture without annotations is a page without text, but not one whose
    annotations are all broken.
    """
    picture = open_for(source.picture, report, source.place, source.name)
    if picture is None:
        return None
    if source.size is not None and source.size not in (picture.shown, picture.stored):
        labelled, shown = source.size[::-1], picture.shown[::-1]
        report.skip(
            source.place, f"other size: {source.name} is {shown}, was labelled at {labelled}"
        )
        return None
    marks = list(marks)
    lines = []
    for mark, points in zip(marks, _as_shown(source, marks, picture), strict=True):
        line = _line(mark, points, source.sure_start, picture.shown, report)
        if line is not None:
            lines.append(line)
    if not lines and (marks or source.failed):
        report.skip(source.place, "no usable line: every annotation of the picture is broken")
        return None
    return PageSample(picture.image, tuple(lines), source.place)


def make_line(
    picture: Path | bytes | None, name: str, text: str, report: Report, place: str
) -> LineSample | None:
    """A picture that is one line, and its text; None where either is of no use."""
    text = text.strip()
    reason = "illegible: marked ###" if text == "###" else label_fault(text)
    if reason:
        report.skip(place, reason)
        return None
    shown = open_for(picture, report, place, name)
    return None if shown is None else LineSample(shown.image, text, place=place)


def label_fault(text: str) -> str:
    """What makes a label useless, or nothing."""
    if not text:
        return "empty label"
    if any(character in text for character in "\n\r\v\f\u2028\u2029"):
        return f"bad label: {text[:40]!r} is more than one line"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return f"bad label: {text[:40]!r} is no Unicode text"
    return ""


def _line(
    mark: Mark, points: Points, sure_start: bool, size: tuple[int, int], report: Report
) -> Line | None:
    try:
        quad = to_quad(points, sure_start=sure_start) if mark.quad is None else _float32(points)
    except ValueError as error:
        report.skip(mark.place, str(error))
        return None
    quad, share = inside(quad, size)
    if share <= 0 or np.ptp(quad, axis=0).min() <= 0:
        report.skip(mark.place, f"box outside: the picture is {size[1]} x {size[0]}")
        return None
    text = (mark.text or "").strip()
    ignore = mark.ignore or text in ILLEGIBLE
    text = "" if text in ILLEGIBLE else text
    fault = "" if ignore or mark.text is None else label_fault(text)
    if share < 0.5 and not ignore:
        fault = f"box outside: {1 - share:.0%} of it is not on the picture"
    if fault:
        report.skip(mark.place, fault)
        return Line(quad, "", ignore=True)
    return Line(quad, text, ignore)


def _as_shown(
    source: AnnotatedPicture, marks: Sequence[Mark], picture: OpenedPicture
) -> list[Points]:
    """Corners in pixels of the picture as shown.

    Some labels were made on the picture as stored, before its EXIF orientation: then the size in the label
    file is that of the stored picture, or the boxes fit into that one alone.
    """
    size = source.size or picture.shown
    scale = np.array([size[1], size[0]], np.float64) if source.relative else 1.0
    all_points = [
        np.asarray(mark.points if mark.quad is None else mark.quad, np.float64) * scale
        for mark in marks
    ]
    if picture.turn not in (90, 270) or picture.shown == picture.stored:
        return all_points
    if source.size is None:
        stored = not _hold(picture.shown, all_points) and _hold(picture.stored, all_points)
    else:
        stored = source.size == picture.stored
    if not stored:
        return all_points
    return [
        rotate_quads(_float32(points), picture.turn, picture.stored).astype(np.float64)
        for points in all_points
    ]


def _hold(size: tuple[int, int], all_points: Sequence[Points]) -> bool:
    limits = np.array([size[1], size[0]]) + _SLACK
    return all(bool((p >= -_SLACK).all() and (p <= limits).all()) for p in all_points)


def _float32(points: Points) -> Floats:
    return np.asarray(points, np.float32)
