"""The step for frames around values: where lines are parted, what they are cut out of, and what is no frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.arrays import Floats, Image, Quads
from common.quads import boxes_to_quads
from ocr.page.frames import apply, frames, pieces
from ocr.page.grids import find_ink
from ocr.settings import Settings
from ocr.sheet import Models, Sheet

OWN = Settings().frames
TABLES = Settings().tables


def plate(*boxes: tuple[int, int, int, int], degrees: float = 0.0) -> Image:
    """A grey plate of 160 x 640 with bars for letters along y 70 to 90, and frames around some boxes."""
    image = np.full((160, 640, 3), 170, np.uint8)
    for left in range(40, 600, 14):
        image[70:90, left : left + 6] = 50
    for x0, y0, x1, y1 in boxes:
        image[y0:y1, x0 - 3 : x0 + 5] = 170  # no letter touches a frame
        image[y0:y1, x1 - 5 : x1 + 3] = 170
        cv2.rectangle(image, (x0, y0), (x1, y1), (60, 60, 60), 2)
    if degrees:
        turn = cv2.getRotationMatrix2D((320, 80), degrees, 1)
        image = np.asarray(
            cv2.warpAffine(image, turn, (640, 160), borderValue=(170, 170, 170)), np.uint8
        )
    return image


def line(x0: float, x1: float) -> Quads:
    return boxes_to_quads(np.array([[x0, 66, x1, 94]], np.float32))


def sheet(image: Image, quads: Quads) -> Sheet:
    return Sheet(image, quads=quads, scores=np.full(len(quads), 0.9, np.float32), detected=True)


def parted(image: Image, quads: Quads) -> Sheet:
    return apply(sheet(image, quads), Models(None, None), Settings())  # type: ignore[arg-type]


def test_a_frame_begins_a_line_and_its_unit_stays_with_it() -> None:
    found = parted(plate((300, 60, 440, 100)), line(36, 600))
    assert len(found.quads) == 2
    left, right = found.quads
    assert left[1, 0] == pytest.approx(302, abs=4) and right[0, 0] == pytest.approx(302, abs=4)
    assert right[1, 0] == pytest.approx(600)
    assert found.scores.tolist() == pytest.approx([0.9, 0.9])


def test_lines_are_cut_out_of_a_picture_without_the_frame() -> None:
    with_frame, bare = plate((300, 60, 440, 100)), plate()
    found = parted(with_frame, line(36, 600))
    assert found.unframed is not None
    assert (found.image == with_frame).all()
    frame = np.s_[60:101, 300:441]
    was = np.abs(with_frame[frame].astype(int) - bare[frame]).mean()
    left = np.abs(found.unframed[frame].astype(int) - bare[frame]).mean()
    assert left < 0.35 * was
    assert (found.unframed[66:94, 312:430] == with_frame[66:94, 312:430]).all(), "letters stay"


@pytest.mark.parametrize("degrees", [-4.0, 3.0])
def test_frames_may_lie_aslant(degrees: float) -> None:
    ink = find_ink(plate((300, 56, 440, 104), degrees=degrees), TABLES)
    (found,) = frames(ink, OWN)
    assert np.linalg.norm(found[1] - found[0]) == pytest.approx(138, abs=8)


def test_several_frames_part_a_line_each() -> None:
    image = plate((140, 60, 240, 100), (380, 60, 480, 100))
    assert len(parted(image, line(36, 600)).quads) == 3


@pytest.mark.parametrize(
    "boxes",
    [
        (),
        ((300, 60, 330, 100),),  # a letter like 口, a field of a comb
        ((20, 10, 620, 150),),  # around everything
        ((300, 110, 440, 150),),  # below the line
    ],
)
def test_what_is_no_frame_of_a_value_changes_nothing(
    boxes: tuple[tuple[int, int, int, int]],
) -> None:
    before = sheet(plate(*boxes), line(36, 600))
    after = apply(before, Models(None, None), Settings())  # type: ignore[arg-type]
    assert after is before


def test_letters_that_touch_are_no_frame_around_the_specks_between_them() -> None:
    image = np.full((160, 640, 3), 40, np.uint8)
    image[60:100, 300:440] = 220  # bold letters, light on dark
    image[70:72, 340:342] = image[86:88, 380:382] = 40
    assert not len(frames(find_ink(image, TABLES), OWN))


def test_a_line_within_a_frame_is_whole_but_cut_out_without_it() -> None:
    found = parted(plate((300, 60, 440, 100)), line(304, 436))
    np.testing.assert_allclose(found.quads, line(304, 436))
    assert found.unframed is not None


def test_columns_and_single_lines_are_left_alone() -> None:
    image = plate((300, 60, 440, 100))
    column = boxes_to_quads(np.array([[360, 10, 380, 150]], np.float32))
    before = sheet(image, column)
    assert apply(before, Models(None, None), Settings()) is before  # type: ignore[arg-type]
    single = Sheet(image, single_line=True, quads=line(36, 600), scores=np.ones(1, np.float32))
    assert apply(single, Models(None, None), Settings()) is single  # type: ignore[arg-type]


def test_parts_too_short_are_no_lines() -> None:
    quad: Floats = line(295, 600)[0]
    around = boxes_to_quads(np.array([[300, 60, 440, 100]], np.float32))
    assert pieces(quad, around, OWN) == [(0.0, 1.0)]


def test_letters_of_the_line_above_that_reach_to_a_frame_stay() -> None:
    image = plate((300, 60, 440, 100))
    image[40:56, 320:420:9] = 50
    found = parted(image, line(36, 600))
    assert found.unframed is not None
    assert (found.unframed[40:56, 300:440] == image[40:56, 300:440]).all()
