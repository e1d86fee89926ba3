"""The pages of the accuracy test: quads follow what is done to a page, files stay small, thirty pages in all."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from train.data.samples import Line, PageSample
from train.synth import accuracy_pages as program

QUAD = np.array([[120, 90], [180, 90], [180, 110], [120, 110]], np.float32)


def page(*, ignored: int = 0, size: tuple[int, int] = (240, 400)) -> PageSample:
    """A white page with a black bar where its lines are said to be."""
    image = np.full((*size, 3), 255, np.uint8)
    image[90:110, 120:180] = 0
    return PageSample(image, tuple(Line(QUAD, "bar", ignore=i < ignored) for i in range(5)))


@pytest.mark.parametrize("group", ["slanted", "small"])
def test_quads_follow_the_page(group: str) -> None:
    for seed in range(6):
        made = program.changed(page(), program.GROUPS[group], np.random.default_rng(seed))
        y, x = np.argwhere(made.image.max(axis=2) < 60).mean(axis=0) + 0.5
        assert made.lines[0].quad.mean(axis=0) == pytest.approx([x, y], abs=0.6)
        inside = (made.lines[0].quad >= 0) & (made.lines[0].quad <= made.image.shape[1::-1])
        assert inside.all()


def test_slanted_pages_are_aslant_and_small_print_is_small() -> None:
    skewed = program.changed(page(), program.GROUPS["slanted"], np.random.default_rng(1))
    across, down = skewed.lines[0].quad[1] - skewed.lines[0].quad[0]
    assert 8 <= abs(np.degrees(np.arctan2(down, across))) <= 20
    small = program.changed(page(), program.GROUPS["small"], np.random.default_rng(1))
    top, bottom = small.lines[0].quad[[0, 3], 1]
    assert bottom - top == pytest.approx(program.SMALL_PRINT, abs=0.3)


def test_pictures_are_small_files_or_none() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    assert program.encoded(noise) is None
    content = program.encoded(page().image)
    assert content is not None and len(content) <= program.MOST_BYTES
    with PIL.Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (400, 240)


def test_accuracy_pages_have_the_wanted_kinds() -> None:
    group = program.GROUPS["document"]
    assert program.wanted(page(), group) and program.wanted(page(ignored=1), group)
    assert not program.wanted(page(ignored=2), group)
    assert not program.wanted(page(size=(240, program.LONG_SIDE + 1)), group)
    assert not program.wanted(PageSample(page().image, ()), group)
    assert sum(group.count for group in program.GROUPS.values()) == 30
