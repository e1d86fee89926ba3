"""Finding a line's picture again: where it is, how much of it, and that it is no other text."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Image
from ocr.live.changes import ChangeMap
from ocr.live.matching import Detail, Rect, Template
from ocr.live.settings import LiveSettings

RECT = Rect(40, 30, 160, 16)


def _strokes(seed: int, width: int = 160) -> Image:
    """A line of something like letters, (16, width) of 0 and 255."""
    cells = np.random.default_rng(seed).random((8, width // 2)) < 0.45
    return np.kron(cells, np.ones((2, 2))).astype(np.uint8) * 255


def _picture(line: Image, opacity: float = 1.0, at: Rect = RECT, seed: int = 0) -> Image:
    """A soft ground with a line on it."""
    rows, columns = np.mgrid[:90, :260]
    ground = 110 + 60 * np.sin((columns + 7 * seed) / 23) * np.cos((rows - 5 * seed) / 17)
    part = ground[at.y : at.y + at.height, at.x : at.x + at.width]
    part[:] = part * (1 - opacity) + opacity * line
    return ground.astype(np.uint8)


def _template() -> Template:
    return Template(Detail(_picture(_strokes(1))).crop(RECT))


def test_a_line_that_moved_is_found_where_it_is() -> None:
    moved = Detail(_picture(_strokes(1), at=RECT.moved(3, -7), seed=4))
    place = _template().find(moved, RECT, (5, 5, 10, 10))
    assert (place.dx, place.dy) == (3, -7)
    assert place.correlation > 0.9
    assert place.least > 0.8


@pytest.mark.parametrize("opacity", [0.25, 0.5, 0.75])
def test_presence_in_a_fade_is_the_opacity(opacity: float) -> None:
    faded = Detail(_picture(_strokes(1), opacity, seed=2))
    assert _template().find(faded, RECT, (2, 2, 2, 2)).present == pytest.approx(opacity, abs=0.08)


def test_presence_at_the_edge_is_the_visible_share() -> None:
    whole = _picture(_strokes(1))
    cut = Detail(np.ascontiguousarray(whole[RECT.y + 8 :]))
    present, _ = _template().presence(cut.crop(RECT.moved(0, -RECT.y - 8)))
    assert present == pytest.approx(0.5, abs=0.1)


def test_other_text_at_the_place_is_not_present() -> None:
    other = Detail(_picture(_strokes(2)))
    place = _template().find(other, RECT, (4, 4, 4, 4))
    assert place.present < 0.5


def test_a_text_that_differs_in_one_word_is_another() -> None:
    line = _strokes(1)
    line[:, 60:100] = _strokes(5)[:, 60:100]
    place = _template().find(Detail(_picture(line)), RECT, (0, 0, 0, 0))
    assert place.correlation > 0.7
    assert place.least < 0.25


def test_detail_of_a_part_is_that_of_the_whole() -> None:
    frame = Detail(_picture(_strokes(1)))
    part = frame.crop(RECT)
    assert np.allclose(part, frame.whole[30:46, 40:200], atol=1e-3)
    assert not Detail(frame.luma).crop(Rect(-50, -50, 20, 20)).any()


def test_change_map_reports_new_strokes_once() -> None:
    settings = LiveSettings()
    empty, text = _picture(_strokes(1), 0.0), _picture(_strokes(1))
    changes = ChangeMap(empty.shape, settings)
    assert changes.band(Detail(empty).whole, [], 0.0) is None
    detail = Detail(text).whole
    band = changes.band(detail, [], 0.2)
    assert band is not None
    assert band[0] <= RECT.y
    assert band[1] >= RECT.y + RECT.height
    assert changes.band(detail, [RECT], 0.2) is None
    changes.looked(detail, band, 0.2)
    assert changes.band(detail, [], 0.4) is None
    # What was looked at without a find is looked at again, ever more rarely.
    times = []
    for step in range(2, 150):
        seconds = 0.2 * step
        if changes.band(detail, [], seconds):
            times.append(seconds)
            changes.looked(detail, band, seconds)
    gaps = np.diff(times)
    assert 3 <= len(times) <= 8
    assert gaps.max() <= settings.look_again_most + 0.21
    assert (np.diff(gaps) >= -0.21).all()


def test_change_map_reports_text_that_comes_back() -> None:
    changes = ChangeMap((90, 260), LiveSettings())
    text, empty = Detail(_picture(_strokes(1))).whole, Detail(_picture(_strokes(1), 0.0)).whole
    band = changes.band(text, [], 0.0)
    assert band is not None
    changes.looked(text, band, 0.0)
    assert changes.band(empty, [], 3.0) is None
    assert changes.band(text, [], 3.2)
