"""Characters of rendered lines: where they stand in a crop, for rows, columns and any view."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Floats, Quads
from detection.method import Bools
from train.batches.characters import character_quads
from train.batches.page_crops import PageCrops
from train.data.samples import Line, PageSample, PlacedLine
from train.loop.recipes import CropRecipe

QUAD = np.array([[10, 20], [110, 20], [110, 40], [10, 40]], np.float32)


def placed(text: str, quad: Floats = QUAD, *, vertical: bool = False) -> PlacedLine:
    count = len(text)
    centers = ((np.arange(count) + 0.5) / count).astype(np.float32)
    widths = np.full(count, 1 / max(count, 1), np.float32)
    return PlacedLine(quad, text, centers=centers, widths=widths, vertical=vertical)


def test_characters_divide_a_row_without_its_blanks() -> None:
    quads = character_quads(placed("ab de"), QUAD)
    assert quads is not None
    np.testing.assert_allclose(quads[0], [[10, 20], [30, 20], [30, 40], [10, 40]], atol=1e-3)
    np.testing.assert_allclose(quads[:, 0, 0], [10, 30, 70, 90], atol=1e-3)


def test_characters_of_a_column_begin_at_its_top() -> None:
    column = np.array([[10, 20], [30, 20], [30, 100], [10, 100]], np.float32)
    quads = character_quads(placed("abcd", column, vertical=True), column)
    assert quads is not None
    np.testing.assert_allclose(quads[1], [[30, 40], [30, 60], [10, 60], [10, 40]], atol=1e-3)
    edges = np.roll(quads, -1, axis=1) - quads
    assert (edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0] > 0).all()


def test_characters_follow_their_line_into_any_view() -> None:
    tilted = np.array([[0, 0], [100, 20], [100, 60], [0, 20]], np.float32)
    quads = character_quads(placed("abcd", tilted), tilted)
    assert quads is not None
    np.testing.assert_allclose(quads[0, [0, 3]], tilted[[0, 3]], atol=1e-2)
    np.testing.assert_allclose(quads[-1, [1, 2]], tilted[[1, 2]], atol=1e-2)
    # It comes nearer to the right, so what is there is larger.
    lengths = np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1)
    assert (np.diff(lengths) > 0).all()


@pytest.mark.parametrize("line", [Line(QUAD, "abc"), PlacedLine(QUAD, "abc"), placed("")])
def test_where_nobody_knows_there_are_none(line: Line) -> None:
    assert character_quads(line, QUAD) is None


class Counts:
    """Counts the lines whose characters it is told; its targets are how many."""

    stride = 16
    outputs = {}
    max_degrees = 90.0

    def character_targets(
        self, quads: Quads, ignore: Bools, size: tuple[int, int], characters: list[Quads | None]
    ) -> dict[str, Floats]:
        for quad, own in zip(quads, characters, strict=True):
            if own is not None:  # a line's characters are where the line is, in this crop
                np.testing.assert_allclose(own[0, [0, 3]], quad[[0, 3]], atol=0.05)
                np.testing.assert_allclose(own[-1, [1, 2]], quad[[1, 2]], atol=0.05)
        return {"told": np.array([own is not None for own in characters])}


class Pages:
    """White pages of twenty lines."""

    def page(self, seed: int, index: int) -> PageSample:
        quads = [QUAD + (0, 40 * k) for k in range(20)]
        lines = tuple(placed("abcde", quad.astype(np.float32)) for quad in quads)
        return PageSample(np.full((900, 200, 3), 255, np.uint8), lines)


@pytest.mark.parametrize("hidden", [0.0, 0.25, 1.0])
def test_a_share_of_the_lines_hides_its_characters(hidden: float) -> None:
    crops = PageCrops(Pages(), CropRecipe(size=128, pages=8, hidden=hidden), 1, Counts())  # type: ignore[arg-type]
    told = crops(3)["told"]
    assert told.shape == (16, 20)
    assert told.mean() == pytest.approx(1 - hidden, abs=0.15)
    np.testing.assert_array_equal(told[0], told[1])  # two crops of one page hide the same
    np.testing.assert_array_equal(told, crops(3)["told"])
