"""A picture in; a page of lines out: turn upright, find lines, cut them out, read them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import PIL.Image

from common.arrays import Floats, Image, Quads, Scores
from common.image import MAX_PIXELS, Source, describe, load, rotate_ccw
from common.quads import boxes_to_quads, rotate_quads
from common.roles import Classifier, Detector, Reading, Recognizer, SceneClassifier
from ocr.files.documents import Loader, pages
from ocr.layout.reading_order import reading_order
from ocr.line import leader_dots, retry, split, vertical
from ocr.line.characters import place, reads_vertically
from ocr.line.crop import cut_out
from ocr.page.deskew import AS_IT_IS, Straight, placed, straighten
from ocr.page.orientation import SURE, TURNED, resolve_orientation
from ocr.result import Angle, Elapsed, Page, TextLine

CROP_MARGIN = 0.08
"""Share of a line's height by which its quad grows on each side before it is cut out."""

LIKELY = 0.7
"""Score of the detector from which a line is text whatever can be read of it."""

READABLE = 0.5
"""Score of a reading from which a less likely line is text too."""

RULE_MARKS = frozenset(".·…,'-–—_=~*")
RULE_LENGTH = 4
"""So many marks in a row, with nothing else, are no text: an ellipsis or a dash is shorter."""


class Reader:
    """Reads pages with three models. Threads may share one; nothing in it changes.

    Args:
        detector: Finds lines.
        recognizer: Reads them.
        classifier: Finds how the page is turned; None takes every page as upright.
        scene: Has a say in that where text leaves a doubt.
        likely: Natural log-probability of a text: it has a say in how a word by itself is read.
    """

    def __init__(
        self,
        detector: Detector,
        recognizer: Recognizer,
        classifier: Classifier | None = None,
        scene: SceneClassifier | None = None,
        likely: retry.Likely | None = None,
    ) -> None:
        self._detector = detector
        self._recognizer = recognizer
        self._classifier = classifier
        self._scene = scene
        self._likely = likely

    def read(
        self,
        source: Source,
        *,
        angle: bool = True,
        single_line: bool = False,
        max_pixels: int = MAX_PIXELS,
    ) -> Page:
        """Read one picture, or the first page of a document.

        Args:
            source: Path, encoded bytes, Pillow image, or RGB uint8 array (H, W, 3).
            angle: Find out how the page is turned; False trusts that it is upright.
            single_line: The picture is one cut-out line: neither angle nor detection.
            max_pixels: Larger pictures are refused.

        Raises:
            InputError: The source cannot be read.
        """
        if isinstance(source, (str, Path, bytes)):
            for page in self.read_pages(
                source, angle=angle, single_line=single_line, max_pixels=max_pixels
            ):
                return page
        named = not isinstance(source, PIL.Image.Image)
        return self.read_page(
            lambda: load(source, max_pixels=max_pixels),
            image=describe(source) if named else "<image>",
            angle=angle,
            single_line=single_line,
        )

    def read_pages(
        self,
        path: str | Path | bytes,
        *,
        angle: bool = True,
        single_line: bool = False,
        max_pixels: int = MAX_PIXELS,
    ) -> Iterator[Page]:
        """Read the pages of a picture, PDF or multi-page TIFF one after the other, as `read` does.

        Raises:
            InputError: The file, or the page that is next, cannot be read.
        """
        for index, decode in pages(path, max_pixels=max_pixels):
            yield self.read_page(
                decode,
                image=describe(path) if isinstance(path, bytes) else str(path),
                page=index,
                angle=angle,
                single_line=single_line,
            )

    def read_page(
        self,
        decode: Loader,
        *,
        image: str,
        page: int = 0,
        angle: bool = True,
        single_line: bool = False,
    ) -> Page:
        """Read what a function decodes, which counts as the page's decoding time.

        Args:
            decode: Gives the picture.
            image: What the result calls it.
            page: Which page of its document it is, from 0.
            angle: As in `read`.
            single_line: As in `read`.

        Raises:
            InputError: From `decode`.
        """
        clock = _Clock()
        upright = decode()
        size = upright.shape[:2]
        clock.lap("decode")
        turned, found = Angle(0, 1.0), None
        if angle and not single_line and self._classifier is not None:
            turned, upright, found = self._upright(upright, self._classifier)
        clock.lap("angle")
        if found is None:
            found = _whole(upright) if single_line else self._detector(upright)
        straight = Straight(upright, np.asarray(found[0]), np.asarray(found[1]), AS_IT_IS)
        if not single_line:
            straight = straighten(straight, self._detector)
        order = reading_order(straight.quads)
        clock.lap("detect")
        margin = 0.0 if single_line else CROP_MARGIN
        read = list(
            self._read_lines(
                straight.image,
                straight.quads[order],
                straight.scores[order],
                margin,
                parted=not single_line,
            )
        )
        if not single_line and vertical.are_likely(read, upright.shape[0] * upright.shape[1]):
            read = self._with_columns(straight.image, read)
        quads = np.array([quad for _, quad in read], np.float32).reshape(-1, 4, 2)
        shown = _as_shown(placed(quads, straight.back), turned.degrees, upright)
        lines = _lines([reading for reading, _ in read], quads, shown, margin)
        clock.lap("recognize")
        return Page(image, page, size[1], size[0], turned, lines, clock.elapsed())

    def orientation(self, image: Image) -> Angle:
        """Tell how far clockwise the content of a picture is turned, as `read` does.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        return (
            Angle(0, 1.0) if self._classifier is None else self._upright(image, self._classifier)[0]
        )

    def _upright(
        self, image: Image, classifier: Classifier
    ) -> tuple[Angle, Image, tuple[Quads, Scores] | None]:
        """Turn a page upright; its lines where telling the angle has found them already."""
        guess = Angle(*classifier(image))
        if guess.score >= (TURNED if guess.degrees else SURE):
            return guess, rotate_ccw(image, guess.degrees), None
        resolved = resolve_orientation(
            image, guess, classifier, self._detector, self._recognizer, self._scene
        )
        return resolved.angle, resolved.upright, (resolved.quads, resolved.scores)

    def _with_columns(
        self, upright: Image, read: Sequence[tuple[Reading, Floats]]
    ) -> list[tuple[Reading, Floats]]:
        """Search a page for columns, which stand for what was read badly in their place; in reading order again."""
        found = vertical.find(upright, self._detector)
        more = list(self._read_lines(upright, *found, CROP_MARGIN, parted=True))
        merged = vertical.merged(read, more)
        return [merged[i] for i in reading_order(np.array([quad for _, quad in merged]))]

    def _read_lines(
        self, upright: Image, quads: Quads, scores: Scores, margin: float, *, parted: bool
    ) -> Iterator[tuple[Reading, Floats]]:
        """Read quads in their order; without those that are no text, and parted at gaps where asked."""
        for first, crops in cut_out(upright, quads, margin):
            tall = [reads_vertically(quad, margin) for quad in quads[first : first + len(crops)]]
            read = retry.read(
                self._recognizer, crops, slanted=not parted, likely=self._likely, tall=tall
            )
            known = [is_tall and bool(r.char_spans) for is_tall, r in zip(tall, read, strict=True)]
            again = vertical.read_again(self._recognizer, crops, read, known)
            for i, ((reading, upwards), piece) in enumerate(zip(again, crops, strict=True), first):
                if scores[i] < LIKELY and reading.score < READABLE:
                    continue
                # The box of a line that runs up begins at its lower end.
                quad = np.roll(quads[i], 2, axis=0) if upwards else quads[i]
                if parted and reading.char_spans and not upwards:
                    aligned = leader_dots.count(reading, piece)
                    side = min(upright.shape[:2])
                    yield from split.split(aligned, quad, piece, margin, side)
                else:
                    yield reading, quad


class _Clock:
    """Milliseconds from lap to lap."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name] = (now - self._last) * 1000
        self._last = now

    def elapsed(self) -> Elapsed:
        return Elapsed(**self._laps, total=(self._last - self._start) * 1000)


def _whole(image: Image) -> tuple[Quads, Scores]:
    """The picture's outline as its only line."""
    height, width = image.shape[:2]
    return boxes_to_quads(np.array([[0, 0, width, height]], np.float32)), np.ones(1, np.float32)


def _as_shown(quads: Quads, degrees: int, upright: Image) -> Quads:
    """Quads of the upright page in the picture as shown, kept inside it."""
    height, width = upright.shape[:2]
    inside = np.clip(quads, 0, np.array([width, height], np.float32))
    return rotate_quads(inside, -degrees % 360, (height, width))


def _lines(
    readings: Sequence[Reading], quads: Quads, shown: Quads, margin: float
) -> tuple[TextLine, ...]:
    """Readings with their boxes, without those that are empty or a rule.

    Args:
        readings: One for each quad.
        quads: On the upright page, as they were cut out.
        shown: The same in the picture as shown.
        margin: By which they were grown for it.
    """
    return tuple(
        TextLine(
            reading.text,
            float(reading.score),
            tuple((float(x), float(y)) for x, y in box),
            place(reading, quad, margin),
            reads_vertically(quad, margin),
        )
        for reading, quad, box in zip(readings, quads, shown, strict=True)
        if reading.text.strip() and not is_rule(reading.text)
    )


def is_rule(text: str) -> bool:
    """Whether a line is a row of dots or dashes alone: a rule or a frame of the page, no text."""
    marks = [character for character in text if not character.isspace()]
    return len(marks) >= RULE_LENGTH and RULE_MARKS.issuperset(marks)
