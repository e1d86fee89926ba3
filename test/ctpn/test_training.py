"""Training of the detector: crops keep their quads, the loss falls, export changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ctpn import Method
from detection.preprocess import normalize
from train.batches import page_crops
from train.batches.page_crops import PageCrops, crop_page, crop_slanted, recolor
from train.data.samples import Line, PageSample
from train.loop.recipes import CropRecipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

RECIPE = CropRecipe(size=128, pages=2, crops=2)


class BarPages:
    """White pages whose lines are black bars, the same for the same numbers."""

    def page(self, seed: int, index: int) -> PageSample:
        rng = np.random.default_rng((seed, index))
        image = np.full((300, 400, 3), 255, np.uint8)
        lines = []
        for y in range(20, 270, 50):
            x0, x1 = int(rng.integers(0, 150)), int(rng.integers(200, 400))
            image[y : y + 20, x0:x1] = 0
            corners = [[x0, y], [x1, y], [x1, y + 20], [x0, y + 20]]
            lines.append(Line(np.array(corners, np.float32), "bar"))
        return PageSample(image, tuple(lines))


def _quads(page: PageSample) -> np.ndarray:
    return np.array([line.quad for line in page.lines], np.float32)


def test_a_batch_is_the_same_every_time_and_differs_from_the_next() -> None:
    make = PageCrops(BarPages(), RECIPE, seed=3, method=Method())
    first, again, other = make(5), make(5), make(6)
    for key, value in first.items():
        np.testing.assert_array_equal(value, again[key])
    assert (first["images"] != other["images"]).any()
    assert first["images"].shape == (4, 128, 128, 3) and first["labels"].shape == (4, 8, 8, 10)


def test_quads_stay_on_their_lines_at_every_scale() -> None:
    page, rng = BarPages().page(0, 0), np.random.default_rng(0)
    ignore, recipe = np.zeros(len(page.lines), np.bool_), CropRecipe(size=256)
    seen = 0
    for _ in range(60):
        image, quads = crop_page(page.image, _quads(page), ignore, rng, recipe)
        assert image.shape == (256, 256, 3) and image.dtype == np.uint8
        for quad in quads:
            (x0, y0), (x1, y1) = quad.min(axis=0), quad.max(axis=0)
            middle_x, middle_y = np.clip(int((x0 + x1) / 2), 0, 255), int((y0 + y1) / 2)
            if y0 < 3 or y1 > 252 or x1 < 3 or x0 > 252 or y1 - y0 < 6:
                continue
            seen += 1
            assert image[middle_y, middle_x].max() < 60
            above, below = image[int(y0) - 2, middle_x], image[min(int(y1) + 2, 255), middle_x]
            assert above.min() > 150 and below.min() > 150
    assert seen > 50


def test_quads_stay_on_their_lines_at_every_slope() -> None:
    page, rng = BarPages().page(0, 0), np.random.default_rng(0)
    ignore, recipe = np.zeros(len(page.lines), np.bool_), CropRecipe(size=256)
    seen, steepest = 0, 0.0
    for _ in range(60):
        image, quads = crop_slanted(page.image, _quads(page), ignore, rng, recipe)
        assert image.shape == (256, 256, 3) and image.dtype == np.uint8
        for quad in quads:
            down = (quad[3] - quad[0]) / np.linalg.norm(quad[3] - quad[0])
            middle = (quad[0] + quad[1]) / 2
            inside, outside = middle + 3 * down, middle - 3 * down
            if not (np.stack([inside, outside]).clip(0, 255) == [inside, outside]).all():
                continue
            if np.linalg.norm(quad[3] - quad[0]) < 9:
                continue
            seen += 1
            steepest = max(steepest, abs(float(down[0])))
            assert image[int(inside[1]), int(inside[0])].max() < 90
            assert image[int(outside[1]), int(outside[0])].min() > 150
    assert seen > 30 and steepest > 0.5


def test_pages_without_lines_and_tiny_pages_can_be_cropped() -> None:
    rng, none = np.random.default_rng(1), np.zeros((0, 4, 2), np.float32)
    for size in ((300, 400), (20, 30), (1, 1), (40, 3000)):
        image = np.full((*size, 3), 200, np.uint8)
        piece, quads = crop_page(image, none, np.zeros(0, np.bool_), rng, RECIPE)
        assert piece.shape == (128, 128, 3) and (piece == 200).all() and quads.shape == (0, 4, 2)


def test_half_of_the_pages_of_vertical_writing_are_turned_with_their_quads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Columns:
        """The bars, standing."""

        def page(self, seed: int, index: int) -> PageSample:
            page = BarPages().page(seed, index)
            lines = [Line(line.quad[[0, 3, 2, 1], ::-1].copy(), "bar") for line in page.lines]
            return PageSample(np.ascontiguousarray(page.image.transpose(1, 0, 2)), tuple(lines))

    heights = []

    def look(image: np.ndarray, quads: np.ndarray, *rest: Any) -> tuple[np.ndarray, np.ndarray]:
        for x, y in quads.mean(axis=1).astype(int):
            assert image[y, x].max() == 0
        heights.append(len(image))
        return crop_page(image, quads, *rest)

    monkeypatch.setattr(page_crops, "crop_page", look)

    def crops_of(pages: page_crops.Pages) -> list[int]:
        heights.clear()
        make = PageCrops(pages, CropRecipe(size=128, pages=6, crops=1), seed=2, method=Method())
        for index in range(5):
            make(index)
        return heights

    assert 8 <= crops_of(Columns()).count(300) <= 22  # of 30; as they stand they are 400 high
    assert set(crops_of(BarPages())) == {300}


def test_recolored_crops_keep_shape_and_type() -> None:
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (8, 9, 3), np.uint8)
    for _ in range(50):
        changed = recolor(image, rng)
        assert changed.shape == image.shape and changed.dtype == np.uint8


def test_input_of_a_batch_equals_the_deployed_preprocessing() -> None:
    from train.detector_torch import to_input

    images = np.random.default_rng(3).integers(0, 256, (2, 32, 48, 3), np.uint8)
    batch = to_input(torch.from_numpy(images)).numpy()
    for image, tensor in zip(images, batch, strict=True):
        np.testing.assert_allclose(tensor, normalize(image)[0], atol=1e-5)


def test_hard_negatives_are_three_for_each_text_anchor() -> None:
    from ctpn.model_torch import score_loss

    labels = torch.zeros(1, 40, 40, 10, dtype=torch.int8)
    labels[0, 0, :, 0] = 1
    labels[0, 1] = -1
    logits = torch.full(labels.shape, -20.0)
    logits[labels == 1] = 20.0
    logits[0, 1] = 20.0  # left out, so no loss however wrong
    logits[0, 5, :, 0] = 20.0  # 40 of the 120 negatives that count
    assert score_loss(logits, labels, 3.0).item() == pytest.approx(20 * 40 / 160, rel=1e-3)


def test_batches_without_text_have_a_loss_and_a_gradient() -> None:
    from ctpn.model_torch import CTPN
    from detection import METHODS
    from train.detector_torch import make_loss

    network = CTPN(widths=(4, 4, 8, 8), features=8, hidden=4)
    batch = {
        "images": torch.zeros(2, 64, 64, 3, dtype=torch.uint8),
        "labels": torch.zeros(2, 4, 4, 10, dtype=torch.int8),
        "deltas": torch.zeros(2, 4, 4, 10, 2),
        "sides": torch.zeros(2, 4, 4, 10),
        "side_mask": torch.zeros(2, 4, 4, 10, dtype=torch.bool),
    }
    value, figures = make_loss(METHODS["ctpn"])(network, batch, 0.0)
    value.backward()
    assert np.isfinite(list(figures.values())).all() and figures["side"] == 0
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_a_few_steps_lower_the_loss() -> None:
    from ctpn.model_torch import CTPN
    from detection import METHODS
    from train.detector_torch import make_loss

    torch.manual_seed(0)
    network = CTPN(widths=(8, 16, 16, 32), features=32, hidden=8)
    batch = {
        k: torch.from_numpy(v)
        for k, v in PageCrops(BarPages(), RECIPE, seed=1, method=Method())(0).items()
    }
    loss = make_loss(METHODS["ctpn"])
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    values = []
    for _ in range(12):
        value, figures = loss(network, batch, 0.0)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(figures)
    assert values[-1]["loss"] < 0.7 * values[0]["loss"]
    for part in ("score", "vertical", "side"):
        assert values[-1][part] < values[0][part]


def _trained_a_little() -> torch.nn.Module:
    """A network whose batch norms have seen something, so that folding them is not trivial."""
    from ctpn.model_torch import CTPN

    torch.manual_seed(1)
    network = CTPN(widths=(4, 8, 8, 16), features=16, hidden=8).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(2, 3, 64, 96) * 3 + 1)
    return network.eval()


def test_the_deployed_network_equals_the_trained_one() -> None:
    from ctpn.model_torch import activate
    from detection.network_torch import Deployed, as_network

    network = _trained_a_little()
    images = np.random.default_rng(4).normal(size=(1, 3, 48, 80)).astype(np.float32)
    with torch.inference_mode():
        deployed = [
            answer.numpy() for answer in Deployed(network, activate)(torch.from_numpy(images))
        ]
    for a, b in zip(deployed, as_network(network, activate)(images), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert [a.shape for a in deployed] == [(1, 3, 5, 10), (1, 3, 5, 10, 2), (1, 3, 5, 10)]
    assert (deployed[0] >= 0).all() and (deployed[0] <= 1).all()


@pytest.mark.filterwarnings("ignore")  # the exporter warns about itself
def test_onnx_equals_torch_at_sizes_it_was_not_exported_with(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from ctpn.model_torch import activate
    from detection.network_torch import Deployed, as_network
    from train.export.models import detector_axes
    from train.export.onnx_file import write_float

    network = _trained_a_little()
    path = tmp_path / "ctpn.onnx"
    example = np.zeros((1, 3, 160, 224), np.float32)
    write_float(
        Deployed(network, activate),
        example,
        path,
        outputs=tuple(Method.outputs),
        axes=detector_axes(Method()),
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for size in ((48, 80), (16, 16), (128, 32)):
        images = np.random.default_rng(5).normal(size=(1, 3, *size)).astype(np.float32)
        expected = as_network(network, activate)(images)
        for a, b in zip(session.run(None, {"image": images}), expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)
