"""STN-OCR: regions become boxes of the picture, what is read in them is kept once, and texts move regions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from common.arrays import Floats, Image
from spotting.stn_ocr import COLUMNS, REGIONS, SIDE, Spotter, boxes, squared

CHARSET = "abcdefgh"


class Trunk:
    """Tells regions, whatever it sees."""

    def __init__(self, regions: list[list[float]]) -> None:
        self.regions, self.seen = np.array([regions], np.float32), 0

    def __call__(self, images: Floats) -> tuple[Floats, ...]:
        assert images.shape == (1, 3, SIDE, SIDE)
        self.seen += 1
        return (self.regions,)


class Head:
    """Reads a line of one color as nothing, of several as one character, the surer the wider it is."""

    def __call__(self, lines: Floats) -> tuple[Floats, ...]:
        steps = lines.shape[3] // 4
        out = np.zeros((len(lines), steps, len(CHARSET) + 1), np.float32)
        out[:, :, 0] = 1
        for row, line in zip(out, lines, strict=True):
            if np.abs(line).max() > 0.5:
                share = min(0.5 + (np.abs(line).max((0, 1)) > 0).sum() / 800, 0.99)
                row[1] = (1 - share) / len(CHARSET)
                row[1, 3] = share
        return (np.log(np.maximum(out, 1e-6)),)


def spotter(regions: list[list[float]]) -> tuple[Spotter, Trunk]:
    trunk = Trunk(regions)
    return Spotter(trunk, Head(), charset=CHARSET, reading={"decode": "greedy"}), trunk


def scene(height: int = 300, width: int = 400) -> Image:
    """A word of stripes in the upper left quarter, plain below."""
    image = np.full((height, width, 3), 240, np.uint8)
    image[20 : height // 2 - 20, 20 : width // 2 - 20 : 12] = 10
    image[20 : height // 2 - 20, 21 : width // 2 - 20 : 12] = 10
    return image


UPPER = [-0.5, -0.625, 0.5, 0.375]
"""Of a square that holds a picture of 4 to 3: its upper left quarter."""
LOWER = [0.5, 0.1, 0.4, 0.2]
"""Where there is nothing."""


@pytest.mark.parametrize("size", [(300, 400), (192, 192), (30, 900), (900, 7), (1, 1)])
def test_the_square_holds_the_whole_picture(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    square, scale = squared(rng.integers(0, 255, (*size, 3), np.uint8))
    assert square.shape == (SIDE, SIDE, 3) and max(size) * scale == pytest.approx(SIDE)


def test_regions_are_boxes_inside_the_square() -> None:
    found = boxes(np.array([UPPER, [0, 0, 1, 1], [0.9, 0, 0.5, 0.1]], np.float32))
    np.testing.assert_allclose(found[1], [0, 0, SIDE, SIDE])
    np.testing.assert_allclose(found[0], [0, 0, 96, 72], atol=1e-4)
    assert found[2, 2] == SIDE


def test_words_are_found_where_something_is_read() -> None:
    made, _ = spotter([UPPER, LOWER])
    found = made(scene())
    assert [reading.text for reading in found.readings] == ["c"]
    np.testing.assert_allclose(found.quads[0], [[0, 0], [200, 0], [200, 150], [0, 150]], atol=0.5)
    quads, scores = made.find(scene())
    np.testing.assert_array_equal(quads, found.quads)
    np.testing.assert_array_equal(scores, found.scores)
    assert made.read([scene()[:150, :200]])[0].text == "c"


def test_of_two_regions_on_one_word_the_surer_stays() -> None:
    made, _ = spotter([[-0.5, -0.625, 0.3, 0.375], UPPER])
    found = made(scene())
    assert len(found.quads) == 1 and found.quads[0, 1, 0] == pytest.approx(200, abs=0.5)


def test_pictures_without_text_and_regions_without_extent_give_nothing() -> None:
    made, _ = spotter([UPPER, [0, 0.9, 0.5, 0.001], LOWER])
    for size in ((300, 400), (1, 1), (2, 700)):
        found = made(np.full((*size, 3), 200, np.uint8))
        assert found.quads.shape == (0, 4, 2) and found.readings == () and len(found.scores) == 0


def network() -> Any:
    torch = pytest.importorskip("torch")
    from spotting.stn_ocr_torch import STNOCRNet

    torch.manual_seed(2)
    return STNOCRNet(
        5, {"widths": (8, 12, 16, 20), "hidden": 8}, {"widths": (4, 4, 8, 8, 8), "hidden": 8}
    )


@pytest.mark.torch
def test_what_is_sampled_is_what_the_region_shows() -> None:
    torch = pytest.importorskip("torch")
    from spotting.stn_ocr_torch import sample

    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    grey = torch.from_numpy(np.sin(x / 17 + y / 29))
    images = grey[None, None].expand(2, 3, SIDE, SIDE)
    region = torch.tensor([UPPER, [0.2, 0.1, 0.3, 0.1]])[None].expand(2, 2, 4)
    lines = sample(images, region)
    assert lines.shape == (4, 1, 32, COLUMNS)
    for line, box in zip(lines[:2], boxes(region[0].numpy()), strict=True):
        cols = (np.arange(COLUMNS) + 0.5) / COLUMNS * (box[2] - box[0]) + box[0] - 0.5
        rows = (np.arange(32) + 0.5) / 32 * (box[3] - box[1]) + box[1] - 0.5
        expected = np.sin(cols[None] / 17 + rows[:, None] / 29)
        assert np.corrcoef(line[0].numpy().ravel(), expected.ravel())[0, 1] > 0.999
    torch.testing.assert_close(lines[:2], lines[2:])
    assert abs(float(lines[0].square().mean()) - 1) < 0.1


@pytest.mark.torch
def test_regions_begin_where_is_looked_and_of_one_size() -> None:
    torch = pytest.importorskip("torch")

    images = torch.randn(3, 3, SIDE, SIDE)
    with torch.inference_mode():
        localizer = network().eval().localizer
        found, alone = localizer(images), localizer(images[1:2])
    assert found.shape == (3, REGIONS, 4)
    torch.testing.assert_close(found[..., 2:], torch.full((3, REGIONS, 2), 0.3))
    assert found[..., :2].abs().max() < 0.9
    torch.testing.assert_close(found[1:2], alone)


@pytest.mark.torch
def test_a_localizer_learns_in_a_few_steps_where_squares_are() -> None:
    torch = pytest.importorskip("torch")
    from spotting.stn_ocr_torch import Localizer

    torch.manual_seed(0)
    localizer = Localizer((4, 8, 8, 8, 8), 16)
    optimizer = torch.optim.AdamW(localizer.parameters(), lr=1e-2)
    rng, apart = np.random.default_rng(0), []
    for _ in range(60):
        middles = rng.uniform(-0.7, 0.7, (8, 2)).astype(np.float32)
        images = torch.zeros(8, 3, SIDE, SIDE)
        for image, (x, y) in zip(images, (middles + 1) * SIDE / 2, strict=True):
            image[:, int(y) - 15 : int(y) + 15, int(x) - 15 : int(x) + 15] = 1
        loss = (localizer(images)[:, 0, :2] - torch.from_numpy(middles)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        apart.append(loss.item())
    assert np.mean(apart[-5:]) < 0.25 * np.mean(apart[:5])


@pytest.mark.torch
def test_the_loss_falls_and_texts_alone_reach_the_localizer() -> None:
    torch = pytest.importorskip("torch")
    from train.spotters.stn_ocr import RECIPE, make_loss
    from train.transfer.freeze_torch import freeze

    one = network()
    rng = np.random.default_rng(0)
    batch = {
        "images": torch.from_numpy(rng.integers(0, 255, (3, SIDE, SIDE, 3), np.uint8)),
        "labels": torch.tensor([[1, 2], [3, 0], [0, 0], [0, 0]] * 3),
        "lengths": torch.tensor([2, 1, 0, 0] * 3),
        "regions": torch.tensor(
            [[0.3, -0.5, 0.4, 0.1], [-0.2, 0.4, 0.3, 0.1]] + [[0.0] * 4] * 2
        ).repeat(3, 1),
    }
    optimizer = torch.optim.AdamW(one.parameters(), lr=5e-3)
    values = []
    assert set(make_loss(None)(one.train(), batch, 0.0)[1]) == {"loss", "place"}
    for _ in range(10):
        value, _ = make_loss(None)(one.train(), batch, RECIPE.alone)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.8 * values[0]

    freeze(one, ["reader"])
    one.zero_grad(set_to_none=True)
    value, parts = make_loss(None)(one, batch, RECIPE.guided)
    assert "place" not in parts
    value.backward()
    assert one.localizer.last.weight.grad.abs().sum() > 0
    assert one.reader.classify.weight.grad is None


@pytest.mark.torch
def test_regions_around_their_words_are_right() -> None:
    torch = pytest.importorskip("torch")
    from train.spotters.stn_ocr import GROWN, distance

    true = torch.tensor([[0.3, -0.5, 0.4, 0.1], [-0.2, 0.4, 0.3, 0.1]])
    fitting = true * torch.tensor([1, 1, GROWN, GROWN])
    assert distance(fitting, true).item() == pytest.approx(0, abs=1e-6)
    beside = fitting + torch.tensor([0.2, 0, 0, 0])
    assert distance(beside, true).item() > 0.01
    assert distance(fitting + torch.tensor([0, 0.2, 0, 0]), true) > distance(beside, true)
