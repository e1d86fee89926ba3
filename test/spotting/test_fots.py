"""FOTS in numpy: what is read from is the line, at the scale that suits it; pages without text."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from common.arrays import Floats, Image, Quads
from common.quads import boxes_to_quads, rotate_quads
from detection.detector import Detector
from detection.east import EAST
from detection.preprocess import MEAN, STD
from spotting.fots import FEATURES, FOTS, Spotter
from spotting.roi_rotate import OUTSIDE

CHARSET = "abcdefgh"


class Trunk:
    """EAST's perfect maps of dark bars, and features whose first channel is the picture's red."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, images: Floats) -> tuple[Floats, ...]:
        self.sizes.append((images.shape[2], images.shape[3]))
        red = images[0, 0] * STD[0] + MEAN[0]
        count, _, stats, _ = cv2.connectedComponentsWithStats((red < 0.6).astype(np.uint8))
        x, y, w, h = stats[1:count, :4].astype(np.float32).T
        quads = boxes_to_quads(np.stack([x, y, x + w, y + h], axis=1))
        method = EAST()
        targets = method.targets(quads, np.zeros(len(quads), np.bool_), red.shape)
        maps = [one[None] for one in method.maps_of(targets).values()]
        for width, stride in zip(FEATURES.values(), (2, 4), strict=True):
            rows, cols = red.shape[0] // stride, red.shape[1] // stride
            shrunk = red.reshape(rows, stride, cols, stride).mean(axis=(1, 3))
            maps.append(np.repeat(shrunk[None, :, :, None], width, axis=3))
        return tuple(maps)


class Head:
    """Says in the middle of each line which of the characters is as dark as it."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, places: Floats, near: Floats, wide: Floats) -> tuple[Floats, ...]:
        assert near.shape[:2] == (1, FEATURES["near"]) and wide.shape[:2] == (1, FEATURES["wide"])
        self.batches.append(len(places))
        x = (places[..., 0] + 1) / 2 * near.shape[3] - 0.5
        y = (places[..., 1] + 1) / 2 * near.shape[2] - 0.5
        seen = np.stack([
            cv2.remap(near[0, 0], a.astype(np.float32), b.astype(np.float32), cv2.INTER_LINEAR)
            for a, b in zip(x, y, strict=True)
        ])  # fmt: skip
        inside = places[:, 0, :, 0] != OUTSIDE
        label = np.zeros((len(places), places.shape[2] // 2), int)
        for line, pixels, known in zip(label, seen, inside, strict=True):
            line[known[::2].sum() // 2] = 1 + np.clip(round(20 * np.median(pixels[:, known])), 0, 7)
        return (np.log(0.9 * np.eye(9, dtype=np.float32)[label] + 0.01),)


def spotter(**config: Any) -> tuple[Spotter, Trunk, Head]:
    trunk, head = Trunk(), Head()
    return (
        Spotter(trunk, head, charset=CHARSET, reading={"decode": "greedy"}, **config),
        trunk,
        head,
    )


def page(darkness: list[int], height: int = 24) -> tuple[Image, Quads]:
    """Bars below each other, of one darkness each."""
    image = np.full((60 + 3 * height * len(darkness), 640, 3), 255, np.uint8)
    boxes = []
    for i, dark in enumerate(darkness):
        top = 30 + 3 * height * i
        image[top : top + height, 40 : 40 + 12 * height] = dark
        boxes.append([40, top, 40 + 12 * height, top + height])
    return image, boxes_to_quads(np.array(boxes, np.float32))


def test_lines_are_found_and_read_where_they_are() -> None:
    image, quads = page([13, 52, 90])
    made, trunk, _ = spotter()
    found = made(image)
    order = np.argsort(found.quads[:, 0, 1])
    np.testing.assert_allclose(found.quads[order], quads, atol=4)
    texts = [found.readings[i].text for i in order]
    assert texts == ["b", "e", "h"]
    for reading in found.readings:
        assert len(reading.char_spans) == len(reading.text) == len(reading.char_scores)
        assert 0 < reading.score <= 1
    quads, scores = made.find(image)
    np.testing.assert_array_equal(quads, found.quads)
    np.testing.assert_array_equal(scores, found.scores)
    assert trunk.sizes


def test_a_line_is_read_at_the_scale_nearest_to_the_readers_height() -> None:
    made, trunk, head = spotter(margin=0.0)
    image, _ = page([52], height=160)
    image = np.concatenate([image, np.full((400, 640, 3), 255, np.uint8)])
    seen: list[Any] = []
    head_call = head.__call__
    made._reader._head = lambda places, near, wide: (
        seen.append(near.shape),
        head_call(places, near, wide),
    )[1]  # noqa: E501
    made(image)
    heights = [rows for rows, _ in trunk.sizes]
    assert len(heights) > 1, "one pass tells nothing"
    assert [2 * shape[2] for shape in seen] == [min(heights)]


def test_a_page_without_text_has_no_lines() -> None:
    made, _, head = spotter()
    for size in ((200, 300), (1, 1), (7, 900)):
        found = made(np.full((*size, 3), 255, np.uint8))
        assert found.quads.shape == (0, 4, 2) and found.scores.shape == (0,)
        assert found.readings == ()
    assert not head.batches


def test_cut_out_lines_are_read_in_their_order() -> None:
    made, _, _ = spotter()
    crops = [
        np.full((h, w, 3), dark, np.uint8)
        for h, w, dark in ((20, 90, 13), (60, 40, 90), (8, 200, 52))
    ]
    readings = made.read([*crops, np.zeros((0, 9, 3), np.uint8)])
    assert [reading.text for reading in readings] == ["b", "h", "e", ""]
    assert made.read([]) == []


def test_targets_decoded_are_the_lines() -> None:
    image, quads = page([13, 52, 90])
    for turned in (quads, rotate_quads(quads, 90, image.shape[:2])):
        size = (704, 704)
        method = FOTS()
        targets = method.targets(turned, np.zeros(3, np.bool_), size)
        maps = {name: targets[name] for name in EAST.outputs}
        found = method.decode(maps).quads
        assert len(found) == 3
        for quad in turned:
            far = np.abs(found.mean(axis=1) - quad.mean(axis=0)).max(axis=1)
            assert far.min() < 2


def test_the_outputs_begin_with_those_of_east() -> None:
    assert list(FOTS.outputs)[:3] == list(EAST.outputs)
    assert all(FOTS.stride % output.stride == 0 for output in FOTS.outputs.values())
    made, _, _ = spotter(score_threshold=0.7, text_height=32.0)
    assert isinstance(made._finder, Detector)
    with pytest.raises(TypeError):
        spotter(no_such_setting=1)
