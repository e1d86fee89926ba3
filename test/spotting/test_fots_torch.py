"""FOTS in PyTorch: it learns from scratch and from trained parts; what is sampled is what is cut out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from common.arrays import Floats
from common.quads import boxes_to_quads
from detection.east import EAST
from recognition.preprocess import HEIGHT
from spotting.roi_rotate import places

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CLASSES, SIDE = 5, 128
SMALL = {"widths": (8, 12, 16, 20), "hidden": 8}


def network(**reader: Any) -> Any:
    from detection.network_torch import Widths
    from spotting.fots_torch import FOTSNet

    torch.manual_seed(1)
    return FOTSNet(CLASSES, Widths((32, 64, 16, 32), 32, 16), 8, reader or SMALL)


def batch(lines: int = 3) -> dict[str, Any]:
    """Two pictures of bars, one bar a character, with what is to be found and read on them."""
    images = np.full((2, SIDE, SIDE, 3), 255, np.uint8)
    columns, targets, grids, cut = 128, [], [], []
    labels = np.zeros((2 * lines, 3), np.int64)
    for number, image in enumerate(images):
        boxes = np.array([[8, 10 + 40 * i, 120, 34 + 40 * i] for i in range(lines)], np.float32)
        quads = boxes_to_quads(boxes.reshape(-1, 4))
        for i, quad in enumerate(quads):
            text = [1 + (number + i + k) % 4 for k in range(3)]
            labels[number * lines + i] = text
            for k, label in enumerate(text):
                x, y = 12 + 36 * k, int(quad[0, 1])
                image[y : y + 24, x : x + 6 * label] = 20
            grids.append(places(quad, (SIDE, SIDE), columns, columns))
            cut.append(image[int(quad[0, 1]) : int(quad[2, 1]), 8:120].mean(axis=2))
        targets.append(EAST().targets(quads, np.zeros(len(quads), np.bool_), (SIDE, SIDE)))
    count = 2 * lines
    line = torch.tensor(np.array(cut, np.float32).reshape(count, 1, 24, 112))
    line = (
        torch.nn.functional.interpolate(line, (HEIGHT, columns))
        if count
        else torch.zeros(0, 1, HEIGHT, columns)
    )
    arrays = {name: np.stack([one[name] for one in targets]) for name in targets[0]} | {
        "images": images,
        "places": np.array(grids, np.float32).reshape(count, 16, columns // 2, 2),
        "picture": np.repeat(np.arange(2), lines),
        "labels": labels,
        "lengths": np.full(count, 3),
        "steps": np.full(count, columns // 4),
        "aligned": np.full((count, columns // 4), -1),
    }
    return {name: torch.from_numpy(value) for name, value in arrays.items()} | {
        "lines": (line - 128) / 100
    }


def losses(one: Any, data: dict[str, Any], teacher: Any = None, steps: int = 12) -> list[float]:
    from train.spotters.fots import make_loss

    loss = make_loss(teacher)
    learned = [p for p in one.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=5e-3)
    values = []
    for _ in range(steps):
        value, figures = loss(one.train(), data, 0.5)
        assert np.isfinite(list(figures.values())).all()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    return values


def test_the_loss_falls_from_scratch() -> None:
    values = losses(network(), batch())
    assert values[-1] < 0.8 * values[0]


def test_with_a_teacher_its_layers_are_a_start_and_its_features_are_targets() -> None:
    from recognition.network_torch import SmallCRNN
    from train.transfer.freeze_torch import freeze

    torch.manual_seed(2)
    teacher = SmallCRNN(CLASSES, **SMALL).eval().requires_grad_(False)
    one = network()
    one.reader.start_from(teacher)
    for name, value in teacher.state_dict().items():
        if not name.startswith("stem.0"):
            assert torch.equal(one.reader.state_dict()[name], value), name
    kept = [
        f"reader.{part}"
        for part in ("stage1", "stage2", "stage3", "collapse", "rnn", "head", "classify")
    ]
    freeze(one, ["trunk", *kept])
    before = {name: value.clone() for name, value in one.state_dict().items()}
    values = losses(one, batch(), teacher, steps=20)
    assert values[-1] < 0.8 * values[0]
    frozen = tuple(f"{part}." for part in ("trunk", *kept))
    for name, value in one.state_dict().items():
        assert torch.equal(value, before[name]) or not name.startswith(frozen), name


@pytest.mark.slow
def test_the_loss_falls_from_the_shared_trunk_and_the_small_recognizer() -> None:
    from ocr.weights import WEIGHTS
    from spotting.fots_torch import FOTSNet
    from train.loop.setup_torch import load_initial_weights
    from train.transfer import quantized_weights
    from train.transfer.distill_torch import load_teacher

    teacher = load_teacher(WEIGHTS / "crnn-small.onnx")
    one = FOTSNet(teacher.classify.out_features)
    one.reader.start_from(teacher)
    path = WEIGHTS / "ctpn-small.onnx"
    load_initial_weights(one, init_trunk=path)
    trained, own = quantized_weights.load(path), one.state_dict()
    filled = {
        n.split(".")[0]
        for n in trained
        if n in own and torch.equal(own[n], torch.from_numpy(trained[n]))
    }
    assert filled >= {"trunk", "context1", "context2", "lstm", "fc"} and "score" not in filled
    values = losses(one, batch(), teacher, steps=6)
    assert values[-1] < 0.8 * values[0]


def test_a_frozen_finder_is_not_asked() -> None:
    from train.spotters.fots import make_loss
    from train.transfer.freeze_torch import freeze

    one = network()
    freeze(one, ["trunk", "score", "distances", "angle"])
    _, figures = make_loss(None)(one, batch(), 0.5)
    assert "ctc" in figures and "score" not in figures


def test_pictures_without_lines_have_a_loss() -> None:
    from train.spotters.fots import make_loss

    value, figures = make_loss(None)(network(), batch(lines=0), 0.5)
    value.backward()
    assert np.isfinite(value.item()) and "ctc" not in figures


def test_features_are_those_of_the_whole_network() -> None:
    one = network().eval()
    images = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        *_, near, wide = one(images)
        again = one.features(images)
    torch.testing.assert_close((near, wide), again)


def test_sampling_in_torch_is_the_crop() -> None:
    from common.quads import crop
    from spotting.fots_torch import roi_rotate

    y, x = np.mgrid[:256, :320].astype(np.float32)
    red = (128 + 100 * np.sin(x / 9 + y / 23)).astype(np.uint8)
    turn = np.deg2rad(25)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    corners = [along * a + across * b for a, b in ((-90, -16), (90, -16), (90, 16), (-90, 16))]
    quad: Floats = (np.array(corners) + (160, 128)).astype(np.float32)
    straight = crop(np.repeat(red[..., None], 3, axis=2), quad)[..., 0].astype(np.float32)
    grid = torch.from_numpy(places(quad, (256, 320), 180, 180))[None]
    found = roi_rotate(torch.from_numpy(red.astype(np.float32))[None, None], grid)[0, 0].numpy()
    expected = straight.reshape(16, 2, 90, 2).mean(axis=(1, 3))
    assert np.abs(found - expected).mean() < 2


def test_what_lies_beyond_a_lines_end_does_not_count() -> None:
    one = network().eval()
    near, wide = 4 * torch.rand(1, 32, 64, 64), 4 * torch.rand(1, 64, 32, 32)
    quad = boxes_to_quads(np.array([[8, 10, 120, 34]], np.float32))[0]
    with torch.inference_mode():
        short, long = (
            one.reader.sampled(
                near, wide, torch.from_numpy(places(quad, (SIDE, SIDE), 96, columns))[None]
            )
            for columns in (96, 160)
        )
    torch.testing.assert_close(long[..., :48], short)
    assert not long[..., 48:].any()
    assert abs(float(short[:, :32].square().mean()) - 1) < 0.2
