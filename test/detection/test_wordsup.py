"""WordSup: characters that are known, and those that are looked for in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from common.arrays import Floats
from detection.characters import squares
from detection.pieces import fitted
from detection.quads import corners
from detection.wordsup import MAX_WORDS, WordSup, paint

SIZE = (256, 320)


def line(x: float, y: float, width: float, height: float, degrees: float = 0) -> Floats:
    a, b = width / 2, height / 2
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) @ rotation
    return (corners + [x, y]).astype(np.float32)


def letters(quad: Floats, count: int) -> Floats:
    """Quads of so many characters of a line, all as long."""
    ends = np.linspace(0, 1, count + 1)[:, None]
    upper = quad[0] + ends * (quad[1] - quad[0])
    lower = quad[3] + ends * (quad[2] - quad[3])
    return np.stack([upper[:-1], upper[1:], lower[1:], lower[:-1]], axis=1).astype(np.float32)


def known(quad: Floats, count: int) -> dict[str, Floats]:
    return WordSup().character_targets(
        quad[None], np.zeros(1, np.bool_), SIZE, [letters(quad, count)]
    )


@pytest.mark.parametrize("degrees", [0, 35, 90, -90])
@pytest.mark.parametrize("count", [1, 8, 25])
def test_known_characters_come_back(degrees: float, count: int) -> None:
    method, quad = WordSup(), line(160, 128, 200, 24, degrees)
    targets = known(quad, count)
    assert not targets["words"].any() and not targets["word"].any()
    found = method.characters(method.maps_of(targets))
    assert len(found) == count
    np.testing.assert_allclose(found[:, 4:6], [[200 / count, 24]] * count, rtol=2e-3)
    order = np.argsort(found[:, :2] @ (quad[1] - quad[0]))
    np.testing.assert_allclose(found[order, :2], letters(quad, count).mean(axis=1), atol=0.05)
    assert len(method.decode(method.maps_of(targets)).quads) == 1


def test_words_without_characters_are_taken_for_squares() -> None:
    quad = line(160, 128, 200, 25)
    targets = WordSup().targets(quad[None], np.zeros(1, np.bool_), SIZE)
    np.testing.assert_allclose(targets["words"][0], fitted(quad))
    assert (targets["word"] == 1).sum() == pytest.approx(200 * 25 / 16, rel=0.1)
    found = WordSup().characters(WordSup().maps_of(targets))
    np.testing.assert_allclose(found[:, 4:6], 25, rtol=1e-3)


def test_more_words_than_there_is_room_for_are_unknown() -> None:
    quads = np.array([line(20 + 30 * (k % 10), 10 + 16 * (k // 10), 24, 10) for k in range(140)])
    targets = WordSup().targets(quads, np.zeros(140, np.bool_), SIZE)
    assert len(np.unique(targets["word"])) == MAX_WORDS + 1
    assert not targets["known"][54, 63:67].any() and targets["known"][:48].all()


def test_low_lines_are_neither_text_nor_background() -> None:
    targets = WordSup().targets(line(160, 60, 100, 6)[None], np.zeros(1, np.bool_), SIZE)
    assert not targets["score"].any() and not targets["known"][15, 30:50].any()


def test_a_narrow_character_has_a_cell() -> None:
    score, boxes = np.zeros((20, 20), np.float32), np.zeros((20, 20, 6), np.float32)
    for shift in (0, 1, 2, 3):
        score[:] = 0
        paint(score, boxes, np.array([[40 + shift, 40 + shift, 0.8, 0.6, 2, 9]], np.float32))
        assert score.any()


def perfect(targets: dict[str, Floats]) -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    score = np.where(targets["score"] == 1, 20.0, -20.0).astype(np.float32)
    return {
        "score": torch.from_numpy(score)[None],
        "boxes": torch.from_numpy(targets["boxes"])[None],
    }


def batch(targets: dict[str, Floats]) -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    return {name: torch.from_numpy(value)[None] for name, value in targets.items()}


@pytest.mark.torch
def test_characters_found_in_a_word_take_the_place_of_squares() -> None:
    torch = pytest.importorskip("torch")
    from detection.wordsup_torch import SUPPOSED, TRUSTED, _expected

    quad = line(160, 128, 200, 24)
    hidden = WordSup().targets(quad[None], np.zeros(1, np.bool_), SIZE)
    # A network that knows the characters of the word, 16 of them.
    maps = perfect(known(quad, 16))
    found = _expected(maps, batch(hidden))
    true = known(quad, 16)
    np.testing.assert_array_equal(found.score[0], true["score"])
    text = true["score"] == 1
    np.testing.assert_allclose(found.boxes[0][text], true["boxes"][text], atol=1e-3)
    weight = found.weight[0].numpy()
    assert weight[hidden["word"] == 1].min() > 0.99 > TRUSTED and (weight[0] == 1).all()
    # One that knows nothing learns squares, and little of them; a single character is not trusted.
    for score in (
        np.full(text.shape, -9.0, "f4"),
        np.where(np.arange(80) < 36, maps["score"][0], -9),
    ):
        unsure = {**maps, "score": torch.from_numpy(score.astype("f4"))[None]}
        supposed = _expected(unsure, batch(hidden))
        np.testing.assert_array_equal(supposed.score[0], hidden["score"])
        assert supposed.weight[0][hidden["word"] == 1].unique().tolist() == [SUPPOSED]


@pytest.mark.torch
def test_known_characters_are_never_looked_for() -> None:
    pytest.importorskip("torch")
    from detection.wordsup_torch import _expected

    quads = [line(160, 60, 200, 24), line(160, 180, 200, 24)]
    targets = WordSup().character_targets(
        np.array(quads), np.zeros(2, np.bool_), SIZE, [letters(quads[0], 16), None]
    )
    maps = perfect(known(line(160, 60, 200, 24), 5))
    found = _expected(maps, batch(targets))
    np.testing.assert_array_equal(found.score[0, :25], targets["score"][:25])
    assert (found.weight[0, :25] == 1).all()


@pytest.mark.torch
def test_losses_of_the_targets_themselves_are_none() -> None:
    pytest.importorskip("torch")
    from detection.wordsup_torch import losses

    quads = [line(160, 60, 200, 24, 10), line(160, 180, 200, 40, -30)]
    hidden = WordSup().targets(np.array(quads), np.zeros(2, np.bool_), SIZE)
    marked = WordSup().character_targets(
        np.array(quads), np.zeros(2, np.bool_), SIZE, [letters(quad, 9) for quad in quads]
    )
    for targets in (hidden, marked):
        parts = losses(perfect(targets), batch(targets))
        assert all(value < 0.01 for value in parts.values())
    assert losses(perfect(marked), batch(known(quads[0], 3)))["boxes"] > 0.1
    assert len(corners(squares(fitted(quads[0])))) == 8
