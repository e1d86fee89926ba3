"""The contract of `detection.method`, tested of every row of `detection.METHODS`: a new method brings no test file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import shapely

from common.arrays import Floats
from detection import METHODS, Row
from detection.detector import Detector
from detection.method import DetectionMethod, Lines
from detection.preprocess import padded

SIZE = (512, 640)

DISTINCT = {row.package: row for row in METHODS.values()}
"""One row of each method, whatever its networks."""

NARROW: dict[str, Any] = {"stages": (8, 16, 16, 32), "context": 32, "neck": 16}
"""Of `detection.network_torch.Widths`, which needs PyTorch."""

SMALLER: dict[str, dict[str, Any]] = {
    "ctpn": {"widths": (8, 16, 16, 32), "features": 32, "hidden": 8},
    "ctpn-reference": {"widths": (8, 8, 16, 16, 16), "features": 16, "hidden": 8},
    "db": {"widths": NARROW},
    "dmpnet": {"widths": NARROW},
    "east": {"widths": NARROW, "hidden": 8},
    "ftsn": {"widths": NARROW},
    "pixellink": {"widths": NARROW},
    "rrpn": {"widths": NARROW},
    "seglink": {"widths": NARROW},
    "textboxes": {"widths": NARROW},
    "textboxes++": {"widths": NARROW},
    "wordsup": {"widths": NARROW},
}
"""Arguments that make networks fast to test; a network without is tested as it is."""

methods = pytest.mark.parametrize("row", DISTINCT.values(), ids=DISTINCT)
networks = pytest.mark.parametrize("name", METHODS)

QUICK = ("ctpn", "db")
"""One method of proposals and one of maps: what takes seconds is quick for these alone."""

slow_methods = pytest.mark.parametrize(
    "row",
    [
        row if row.network in QUICK else pytest.param(row, marks=pytest.mark.slow)
        for row in DISTINCT.values()
    ],
    ids=DISTINCT,
)
slow_networks = pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in METHODS],
)


def line(x: float, y: float, width: float, height: float, degrees: float) -> Floats:
    """A quad centred on (x, y), rising by degrees, from its text's top left."""
    a, b = width / 2, height / 2
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]])
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (corners @ rotation + [x, y]).astype(np.float32)


def random_lines(rng: np.random.Generator, degrees: float, count: int = 6) -> Floats:
    """Lines of one page at about one slope, inside it and apart from each other."""
    taken, quads = np.zeros(SIZE, np.uint8), []
    for _ in range(300):
        height = float(np.exp(rng.uniform(np.log(12), np.log(60))))
        width = height * float(rng.uniform(2, 14))
        x, y = rng.uniform(0, SIZE[1]), rng.uniform(0, SIZE[0])
        quad = line(x, y, width, height, degrees + rng.uniform(-1, 1))
        layer = np.zeros_like(taken)
        cv2.fillConvexPoly(layer, quad.astype(np.int32), 1)
        cv2.polylines(layer, [quad.astype(np.int32)], True, 1, int(12 + 1.4 * height))
        if (quad >= 0).all() and (quad <= SIZE[::-1]).all() and not (layer & taken).any():
            quads.append(quad)
            taken |= layer
        if len(quads) == count:
            break
    return np.stack(quads)


def round_trip(method: DetectionMethod, quads: Floats, size: tuple[int, int] = SIZE) -> Lines:
    targets = method.targets(quads, np.zeros(len(quads), np.bool_), size)
    return method.decode(method.maps_of(targets))


def iou(a: Floats, b: Floats) -> float:
    """Overlap; OpenCV's halves that of quads that agree to the last digits, as they do here."""
    one, other = shapely.Polygon(a), shapely.Polygon(b)
    return float(one.intersection(other).area / one.union(other).area)


def same(found: Floats, quads: Floats, least: float) -> None:
    assert len(found) == len(quads), f"{len(quads)} lines became {len(found)}"
    for quad in quads:
        overlaps = [iou(quad, other) for other in found]
        assert max(overlaps) > least, f"{quad.tolist()} came back with IoU {max(overlaps):.2f}"


def slopes(row: Row) -> list[float]:
    steepest = row.method.max_degrees
    return [d for d in (-90, -60, -45, -30, -15, -7, 0, 8, 15, 45, 60, 75) if abs(d) <= steepest]


@slow_methods
def test_targets_decoded_are_the_lines(row: Row) -> None:
    rng = np.random.default_rng(5)
    for degrees in slopes(row):
        quads = random_lines(rng, degrees)
        lines = round_trip(row.method(), quads)
        same(lines.quads, quads, 0.75)
        assert lines.quads.dtype == np.float32 and (lines.scores > 0.5).all()
        assert (lines.scores <= 1).all() and len(lines.heights) >= len(quads)


TRUE_TO = {
    "detection.db": 0.85, "detection.dmpnet": 0.98, "detection.east": 0.98, "detection.ftsn": 0.9,
    "detection.pixellink": 0.95, "detection.rrpn": 0.98, "detection.seglink": 0.98,
    "detection.textboxes_plus": 0.98, "detection.wordsup": 0.98,
}  # fmt: skip
"""Median IoU of random lines with what is decoded from their own targets."""


@pytest.mark.parametrize("row", [row for row in DISTINCT.values() if row.method.max_degrees > 45])
@pytest.mark.slow
def test_lines_of_every_direction_ratio_and_size(row: Row) -> None:
    method, rng, overlaps = row.method(), np.random.default_rng(3), []
    while len(overlaps) < 30:
        height, ratio = np.exp(rng.uniform((np.log(8), 0), (np.log(120), np.log(40))))
        x, y = rng.uniform(380, 388, 2)
        quad = line(x, y, height * ratio, height, rng.uniform(-180, 180))
        if (quad < 0).any() or (quad > 768).any():
            continue
        found = round_trip(method, quad[None], (768, 768)).quads
        assert len(found) == 1, quad.tolist()
        overlaps.append(iou(found[0], quad))
    assert np.median(overlaps) > TRUE_TO[row.package] and min(overlaps) > 0.6


@methods
def test_corners_begin_where_the_text_does(row: Row) -> None:
    for degrees in slopes(row):
        quad = line(320, 256, 260, 24, degrees)
        found = round_trip(row.method(), quad[None]).quads[0]
        # Of what stands upright, text is taken to run down as a column: its first corner is the upper left one.
        first = (
            quad[0] if abs(degrees) < 65 else quad[np.lexsort((quad[:, 0], quad[:, 1] > 256))[0]]
        )
        assert np.linalg.norm(found[0] - first) < 12, degrees
        (ax, ay), (bx, by) = found[1] - found[0], found[2] - found[1]
        area = ax * by - ay * bx
        assert area > 0, "corners run clockwise"


@methods
def test_an_empty_page_has_no_lines(row: Row) -> None:
    lines = round_trip(row.method(), np.zeros((0, 4, 2), np.float32))
    assert lines.quads.shape == (0, 4, 2) and lines.scores.shape == lines.heights.shape == (0,)


@methods
def test_ignored_lines_are_neither_text_nor_background(row: Row) -> None:
    method, quads = row.method(), random_lines(np.random.default_rng(2), 0)
    everything = np.ones(len(quads), np.bool_)
    assert not len(method.decode(method.maps_of(method.targets(quads, everything, SIZE))).quads)
    half = np.arange(len(quads)) % 2 == 1
    same(method.decode(method.maps_of(method.targets(quads, half, SIZE))).quads, quads[~half], 0.8)


@methods
def test_any_size_has_targets_of_its_size(row: Row) -> None:
    method = row.method()
    quad = line(30, 20, 40, 16, 0)[None]
    for size in ((1, 1), (3, 5), (2, 9), (40, 2)):
        pixels = (size[0] * method.stride, size[1] * method.stride)
        maps = method.maps_of(method.targets(quad, np.zeros(1, np.bool_), pixels))
        assert list(maps) == list(method.outputs)
        for name, output in method.outputs.items():
            cells = (pixels[0] // output.stride, pixels[1] // output.stride)
            assert maps[name].shape == (*cells, *output.shape)
            assert method.stride % output.stride == 0
        method.decode(maps)


@methods
def test_lines_cut_by_the_border_end_there(row: Row) -> None:
    quad = line(600, 200, 300, 30, 0)
    inside = quad.copy()
    inside[:, 0] = np.clip(inside[:, 0], 0, SIZE[1])
    found = round_trip(row.method(), quad[None]).quads
    same(np.clip(found, 0, SIZE[::-1]), inside[None], 0.85)


class BarNetwork:
    """Answers with the perfect maps of every dark bar of a normalized picture."""

    def __init__(self, method: DetectionMethod) -> None:
        self.method = method
        self.calls = 0

    def __call__(self, images: Floats) -> tuple[Floats, ...]:
        self.calls += 1
        mask = (images[0, 0] < 0).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        x, y, w, h = stats[1:count, :4].astype(np.float32).T
        quads = np.stack([x, y, x + w, y, x + w, y + h, x, y + h], axis=1).reshape(-1, 4, 2)
        size = (images.shape[2], images.shape[3])
        targets = self.method.targets(quads, np.zeros(len(quads), np.bool_), size)
        return tuple(one[None] for one in self.method.maps_of(targets).values())


@slow_methods
def test_tiles_find_what_the_whole_does(row: Row) -> None:
    image = np.full((1000, 1400, 3), 255, np.uint8)
    for i in range(14):
        image[50 + 60 * i : 74 + 60 * i, 40 + 3 * i : 1300 - 7 * i] = 20
    found = []
    for pixels in (10**7, 400_000):
        network = BarNetwork(row.method())
        found.append(Detector(network, row.method(), tile_pixels=pixels)(image)[0])
    assert network.calls > 2
    assert len(found[0]) == 14
    same(found[1], found[0], 0.97)


@slow_methods
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 9), (333, 517), (1, 3000)])
def test_pictures_of_any_size_are_searched(row: Row, size: tuple[int, int]) -> None:
    quads, scores = Detector(BarNetwork(row.method()), row.method())(np.zeros((*size, 3), np.uint8))
    assert len(quads) == len(scores)
    assert (quads >= 0).all() and (quads <= size[::-1]).all()


def small_network(name: str) -> Any:
    torch = pytest.importorskip("torch")
    from detection.network_torch import Widths

    torch.manual_seed(1)
    row = METHODS[name]
    options = dict(SMALLER.get(name, {}))
    if options.get("widths") is NARROW:
        options["widths"] = Widths(**NARROW)
    return row.torch.NETWORKS[row.network](**options)


@pytest.mark.torch
@networks
def test_a_batch_without_text_has_a_loss_and_a_gradient(name: str) -> None:
    network, batch = small_network(name), _batch(METHODS[name].method(), text=False)
    value, figures = _loss(name)(network, batch, 0.0)
    value.backward()
    assert np.isfinite(list(figures.values())).all() and value > 0
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.torch
@pytest.mark.parametrize("name", [n for n, row in METHODS.items() if row.method.max_degrees > 45])
@pytest.mark.slow
def test_the_small_detector_s_first_layers_are_a_start(name: str) -> None:
    torch = pytest.importorskip("torch")
    from ocr.weights import WEIGHTS
    from train.loop.setup_torch import load_initial_weights
    from train.transfer import quantized_weights

    path, row = WEIGHTS / "ctpn-small.onnx", METHODS[name]
    network = load_initial_weights(row.torch.NETWORKS[row.network](), init_trunk=path)
    trained, own = quantized_weights.load(path), network.state_dict()
    filled = [
        one
        for one in own
        if one in trained and torch.equal(own[one], torch.from_numpy(trained[one]))
    ]
    parts = {one.split(".")[0] for one in filled}
    assert parts >= {"trunk", "context1", "context2"}
    assert ("lstm" in parts) == hasattr(network, "lstm")


@pytest.mark.torch
@slow_networks
def test_ten_steps_lower_the_loss(name: str) -> None:
    torch = pytest.importorskip("torch")
    network, batch, loss = small_network(name), _batch(METHODS[name].method()), _loss(name)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    values = []
    for _ in range(10):
        value, _ = loss(network, batch, 0.0)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.9 * values[0]


@pytest.mark.torch
@slow_networks
def test_a_frozen_trunk_stays_as_it_is_while_the_rest_learns(name: str) -> None:
    torch = pytest.importorskip("torch")
    from train.transfer.freeze_torch import freeze

    network, batch = small_network(name), _batch(METHODS[name].method())
    freeze(network, ["trunk"])
    before = {key: value.clone() for key, value in network.state_dict().items()}
    learned = [p for p in network.parameters() if p.requires_grad]
    value, _ = _loss(name)(network, batch, 0.0)
    value.backward()
    torch.optim.SGD(learned, lr=0.1).step()
    changed = {key for key, value in network.state_dict().items() if (value != before[key]).any()}
    assert changed and not any(key.startswith("trunk.") for key in changed)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")  # the exporter warns about itself
@slow_networks
def test_onnx_answers_as_torch_does_at_any_size(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("torch")
    from detection.network_torch import Deployed, as_network
    from train.export.models import detector_axes
    from train.export.onnx_file import write_float

    row, network = METHODS[name], small_network(name).eval()
    method, path = row.method(), tmp_path / "detector.onnx"
    deployed = Deployed(network, row.torch.activate)
    example = np.zeros((1, 3, 4 * method.stride, 6 * method.stride), np.float32)
    outputs = tuple(method.outputs)
    write_float(deployed, example, path, outputs=outputs, axes=detector_axes(method))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for height, width in ((48, 80), (16, 16), (128, 32)):
        size = (padded(height, method.stride), padded(width, method.stride))
        images = np.random.default_rng(5).normal(size=(1, 3, *size)).astype(np.float32)
        expected = as_network(network, row.torch.activate)(images)
        for output, a, b in zip(
            method.outputs.values(), session.run(None, {"image": images}), expected, strict=True
        ):
            np.testing.assert_allclose(a, b, atol=1e-4)
            assert a.shape[1:3] == (size[0] // output.stride, size[1] // output.stride)


def _batch(method: DetectionMethod, *, text: bool = True) -> dict[str, Any]:
    """Two crops of black bars, or of white paper, with their targets."""
    torch = pytest.importorskip("torch")
    images, targets = np.full((2, 128, 128, 3), 255, np.uint8), []
    for image in images:
        bars = [(8, 10 + 40 * i, 120 - 10 * i, 28 + 40 * i) for i in range(3)] if text else []
        for x0, y0, x1, y1 in bars:
            image[y0:y1, x0:x1] = 20
        quads = np.array(
            [[[x0, y0], [x1, y0], [x1, y1], [x0, y1]] for x0, y0, x1, y1 in bars], np.float32
        )
        quads = quads.reshape(-1, 4, 2)
        targets.append(method.targets(quads, np.zeros(len(quads), np.bool_), (128, 128)))
    batch = {name: np.stack([one[name] for one in targets]) for name in targets[0]}
    return {name: torch.from_numpy(value) for name, value in {"images": images, **batch}.items()}


def _loss(name: str) -> Any:
    from train.detector_torch import make_loss

    return make_loss(METHODS[name])
