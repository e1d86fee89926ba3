"""Read pages: turn upright, find lines, deskew, order, then cut out, read and split each line.

Each step takes a sheet, the models and the settings, and returns a new sheet; `Reader.steps` prints their names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image

from common.arrays import Image
from common.image import MAX_PIXELS, Source, content_of, describe, is_stream, load
from common.quads import boxes_to_quads
from common.roles import Classifier, Detector, Recognizer, SceneClassifier, Spotter
from ocr.clock import Clock
from ocr.files.documents import Loader, pages
from ocr.layout import reading_order
from ocr.layout.blocks import with_tables
from ocr.line import (
    accept,
    columns,
    confidence,
    crop,
    plausibility,
    retry,
    split,
    upside_down,
    vertical,
    views,
    vote,
)
from ocr.line.characters import place, reads_vertically, with_characters
from ocr.page import character_grid, deskew, frames, orientation, seals, small_print, tables
from ocr.page.regions import checked_region, read_regions
from ocr.page.table_result import find_tables, shown
from ocr.result import Angle, Page, TextLine
from ocr.settings import Settings
from ocr.sheet import LanguageModel, Models, Sheet, joined
from recognition.confidence import Confidence


class Step(NamedTuple):
    """A step of reading.

    Attributes:
        name: As `without` takes it.
        phase: Under which `Page.elapsed_ms` counts it.
        run: From a sheet to the next one.
    """

    name: str
    phase: str
    run: Callable[[Sheet, Models, Settings], Sheet]


def find_lines(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Detect lines, unless telling the turn has found them already; a single line is the whole picture.

    A spotter reads them besides.
    """
    if models.spotter is not None and not sheet.single_line:
        spotted = models.spotter(sheet.image)
        found = {"quads": spotted.quads, "scores": spotted.scores, "readings": spotted.readings}
        return sheet.having(**found, detected=True)
    if sheet.detected:
        return sheet
    if sheet.single_line:
        height, width = sheet.image.shape[:2]
        quads = boxes_to_quads(np.array([[0, 0, width, height]], np.float32))
        return sheet.having(quads=quads, scores=np.ones(1, np.float32), detected=True)
    quads, scores = models.detector(sheet.image)
    return sheet.having(quads=np.asarray(quads), scores=np.asarray(scores), detected=True)


def recognize(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Read the crops, unless a spotter has read the lines already."""
    if sheet.readings:
        return sheet
    return sheet.having(readings=tuple(models.recognizer(sheet.crops)) if sheet.crops else ())


PAGE_STEPS = (
    Step("orientation", "angle", orientation.classify),
    Step("resolve_orientation", "angle", orientation.resolve),
    Step("seals", "detect", seals.remove),
    Step("detect", "detect", find_lines),
    Step("deskew", "detect", deskew.apply),
    Step("small_print", "detect", small_print.apply),
    Step("frames", "detect", frames.apply),
    Step("order", "detect", reading_order.apply),
)
"""What is done with the page as a whole."""

LINE_STEPS = (
    Step("recognize", "recognize", recognize),
    Step("vote", "recognize", vote.apply),
    Step("retry", "recognize", retry.apply),
    Step("vertical", "recognize", vertical.apply),
    Step("upside_down", "recognize", upside_down.apply),
    Step("accept", "recognize", accept.drop_unlikely),
    Step("split", "recognize", split.apply),
)
"""What is done with its lines, as many at a time as fit in memory."""

COLUMNS = "columns"
"""Where the lines read badly: search for columns, and do with what is found as with lines."""

LAST_STEPS = (
    Step("character_grid", "recognize", character_grid.apply),
    Step("tables", "recognize", tables.apply),
    Step("rules", "recognize", accept.drop_rules),
    Step("confidence", "recognize", confidence.apply),
    Step("plausibility", "recognize", plausibility.apply),
    Step("seal_texts", "recognize", seals.add_lines),
)

STEPS = (
    *(step.name for step in PAGE_STEPS + LINE_STEPS),
    COLUMNS,
    *(step.name for step in LAST_STEPS),
)
"""Names of all steps in their order."""

NEEDED = ("detect", "recognize")
"""Steps that cannot be left out."""

DETECTED_AGAIN = ("deskew", "small_print")
"""Steps that a spotter leaves out: they find lines anew, which it has read already, of any slope."""


class Reader:
    """Read pages with three models. Threads may share a reader; nothing in it changes.

    Args:
        detector: Finds lines.
        recognizer: Reads them.
        classifier: Finds how the page is turned; None takes every page as upright.
        scene: Has a say in that where text leaves a doubt.
        language: Natural log-probability of a text: it has a say in how a word by itself is read.
        likelihood: Makes a line's score the probability that its text is right; None leaves the recognizer's.
        spotter: Finds and reads lines at once; then `detector` is its `find` and `recognizer` its `read`, for the steps
            that look again.
        settings: The thresholds of all steps.
        without: Names of steps to leave out, of `STEPS`.

    Raises:
        ValueError: No such step, or one that cannot be left out.
    """

    def __init__(
        self,
        detector: Detector,
        recognizer: Recognizer,
        classifier: Classifier | None = None,
        scene: SceneClassifier | None = None,
        language: LanguageModel | None = None,
        likelihood: Confidence | None = None,
        spotter: Spotter | None = None,
        *,
        settings: Settings = Settings(),  # noqa: B008  (nothing in it changes)
        without: Collection[str] = (),
    ) -> None:
        for name in without:
            if name not in STEPS or name in NEEDED:
                known = ", ".join(step for step in STEPS if step not in NEEDED)
                raise ValueError(f"no step {name!r} to leave out; there are: {known}")
        self.models = Models(detector, recognizer, classifier, scene, language, likelihood, spotter)
        self.settings = settings
        left_out = {*without, *(() if spotter is None else DETECTED_AGAIN)}
        self.steps = tuple(name for name in STEPS if name not in left_out)

    def read(
        self,
        source: Source,
        *,
        angle: bool = True,
        single_line: bool = False,
        region: Iterable[Sequence[float]] = (),
        characters: bool = False,
        max_pixels: int = MAX_PIXELS,
    ) -> Page:
        """Read one picture, or the first page of a document.

        Args:
            source: Path, encoded bytes, file object, Pillow image, or RGB uint8 array (H, W, 3).
            angle: Find out how the page is turned; False trusts that it is upright.
            single_line: The picture is one cut-out line: neither angle nor detection.
            region: Parts to read in place of the whole, each (x, y, width, height) in pixels of the picture as a
                viewer shows it, or in shares of its sides where no number is above 1; lines come part by part.
            characters: Also guess where characters stand of which nobody knows it, so that each line has them all.
            max_pixels: Larger pictures are refused.

        Raises:
            InputError: The source cannot be read, or a region is outside it.
            ValueError: A region has no four numbers or no extent.
        """
        regions = [checked_region(numbers) for numbers in region]
        image = "<image>" if isinstance(source, PIL.Image.Image) else describe(source)
        if is_stream(source):
            source = content_of(source)
        if isinstance(source, (str, Path, bytes)):
            image = image if isinstance(source, bytes) else str(source)
            walk = pages(source, max_pixels=max_pixels, name=describe(image))
        else:
            walk = iter([(0, partial(load, source, max_pixels=max_pixels))])
        read = partial(read_regions, self, regions) if regions else self.read_page
        # Its loader works as long as the document is walked through.
        _, decode = next(walk)
        page = read(decode, image=image, angle=angle, single_line=single_line)
        return with_characters(page) if characters else page

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
        clock = Clock()
        picture = decode()
        clock.lap("decode")
        sheet = Sheet(picture, single_line=single_line)
        sheet = self._apply(PAGE_STEPS, sheet, clock, angle=angle)
        sheet = self._read_lines(sheet)
        if COLUMNS in self.steps:
            sheet = columns.apply(sheet, self.models, self.settings, self._read_lines)
        sheet = self._apply(LAST_STEPS, sheet, clock)
        lines = _text_lines(sheet, sheet.margin(self.settings))
        found = with_tables(
            Page(
                image,
                page,
                picture.shape[1],
                picture.shape[0],
                sheet.angle,
                lines,
                clock.elapsed(),
                find_tables(sheet),
            )
        )
        clock.lap("recognize")
        return replace(found, elapsed_ms=clock.elapsed())

    def read_views(self, sources: Sequence[Source], *, max_pixels: int = MAX_PIXELS) -> Page:
        """Read one cut-out line of which there are several pictures together; neither angle nor detection.

        Args:
            sources: Pictures, in any order, each as in `read` but no document; the page is that of the first.
            max_pixels: Larger pictures are refused.

        Raises:
            ValueError: There are none, or more than the recognizer takes together, which for most is one.
        """
        views.check(self.models.recognizer, len(sources))
        clock = Clock()
        pictures = [load(source, max_pixels=max_pixels) for source in sources]
        for phase in ("decode", "angle", "detect"):
            clock.lap(phase)
        sheet = find_lines(Sheet(pictures[0], single_line=True), self.models, self.settings)
        sheet = sheet.having(readings=views.read(self.models.recognizer, pictures))
        clock.lap("recognize")
        image = str(sources[0]) if isinstance(sources[0], (str, Path)) else "<image>"
        height, width = pictures[0].shape[:2]
        return Page(image, 0, width, height, sheet.angle, _text_lines(sheet, 0.0), clock.elapsed())

    def orientation(self, image: Image) -> Angle:
        """Tell how far clockwise the content of a picture is turned, as `read` does.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        steps = [step for step in PAGE_STEPS if step.phase == "angle"]
        return self._apply(steps, Sheet(image), Clock()).angle

    def _apply(
        self, steps: Sequence[Step], sheet: Sheet, clock: Clock, *, angle: bool = True
    ) -> Sheet:
        """Run the steps that were not left out, and charge their time to their phases."""
        for step in steps:
            if step.name in self.steps and (angle or step.phase != "angle"):
                sheet = step.run(sheet, self.models, self.settings)
            clock.lap(step.phase)
        return sheet

    def _read_lines(self, sheet: Sheet) -> Sheet:
        """Cut out, read and split the lines of a page."""
        parts = []
        for part in crop.parts(sheet, self.settings):
            for step in LINE_STEPS:
                if step.name in self.steps:
                    part = step.run(part, self.models, self.settings)
            parts.append(part.having(crops=()))
        return joined(parts, sheet)


def _text_lines(sheet: Sheet, margin: float) -> tuple[TextLine, ...]:
    """Return the lines that were read with their boxes on the picture as shown, kept inside it."""
    return tuple(
        TextLine(
            reading.text,
            float(reading.score),
            box,
            place(reading, quad, margin),
            reads_vertically(quad, margin),
        )
        for (reading, quad), box in zip(sheet.lines(), shown(sheet, sheet.quads), strict=True)
        if reading.text.strip()
    )
