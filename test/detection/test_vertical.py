"""Columns of text: found as columns, each quad starting at its upper left corner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

import demo
import ocr
from common.arrays import Floats, Image
from ctpn import Detector, Method


def perfect(images: Floats) -> tuple[Floats, ...]:
    """Answer with the true targets of every dark bar of a normalized picture."""
    mask = (images[0, 0] < 0).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    x, y, w, h = stats[1:count, :4].astype(np.float32).T
    quads = np.stack([x, y, x + w, y, x + w, y + h, x, y + h], axis=1).reshape(-1, 4, 2)
    size = (images.shape[2], images.shape[3])
    method = Method()
    targets = method.targets(quads, np.zeros(len(quads), np.bool_), size)
    return tuple(one[None] for one in method.maps_of(targets).values())


def page(boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    image = np.full((900, 600, 3), 255, np.uint8)
    for x0, y0, x1, y1 in boxes:
        image[y0:y1, x0:x1] = 20
    return image


def test_page_without_columns_has_no_lines_when_vertical() -> None:
    quads, scores = Detector(perfect, vertical=True)(page([]))
    assert quads.shape == (0, 4, 2) and scores.shape == (0,)


def test_columns_close_to_each_other_stay_columns() -> None:
    boxes = [(100, 80, 124, 700), (136, 80, 160, 500), (400, 300, 424, 860)]
    image = page(boxes)
    quads, _ = Detector(perfect, vertical=True)(image)
    assert len(quads) == 3
    quads = quads[np.argsort(quads[:, 0, 0])]
    for quad, (x0, y0, x1, y1) in zip(quads, boxes, strict=True):
        corners = np.array(
            [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
        )  # from the upper left, clockwise
        np.testing.assert_allclose(quad, corners, atol=5)


def test_without_vertical_the_same_page_gives_rows() -> None:
    image = np.ascontiguousarray(np.rot90(page([(100, 80, 124, 700), (136, 80, 160, 500)])))
    across, _ = Detector(perfect)(image)
    assert len(across) == 2
    sizes = across.max(axis=1) - across.min(axis=1)
    assert (sizes[:, 0] > sizes[:, 1]).all()


COLUMNS = ("山路弯弯远处传来几声鸟鸣", "图书馆周一至周五开放", "请旅客提前做好准备", "字迹才会清楚")


@pytest.fixture(scope="module")
def columns(chinese_font: Callable[[int], PIL.ImageFont.FreeTypeFont]) -> Image:
    """A page of four columns, the first one on the right."""
    font = chinese_font(34)
    image = PIL.Image.new("RGB", (420, 620), "white")
    draw = PIL.ImageDraw.Draw(image)
    for i, column in enumerate(COLUMNS):
        for j, character in enumerate(column):
            draw.text((340 - 85 * i, 40 + 42 * j), character, font=font, fill="black")
    return np.asarray(image)


def test_columns_are_read_from_the_right(columns: Image) -> None:
    """Of 38 characters a few may be misread; without the option hardly one is read."""
    page = ocr.load(threads=2, vertical=True).read(columns)
    assert page.angle.degrees == 0
    assert len(page.lines) == len(COLUMNS)
    for line, truth in zip(page.lines, COLUMNS, strict=True):
        assert line.vertical
        assert len(set(line.text) & set(truth)) >= 0.7 * len(set(truth))


@pytest.mark.slow
def test_the_command_line_reads_columns(
    columns: Image, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "columns.png"
    PIL.Image.fromarray(columns).save(path)
    assert demo.main([str(path), "--vertical", "--quiet"]) == 0
    lines = capfd.readouterr().out.split()
    assert len(lines) == len(COLUMNS)
    assert set(lines[1]) & set(COLUMNS[1])
