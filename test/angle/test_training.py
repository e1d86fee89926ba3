"""The angle network, its batches and its loss."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from angle.preprocess import SIZE, cut, page_patches, tilted_cut
from common.arrays import Image
from common.image import rotate_ccw
from train.batches.page_patches import PatchBatches, PatchLabel, jittered, patch_label
from train.data.samples import Line, PageSample
from train.loop.recipes import AngleRecipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from angle.model_torch import AngleNet, VGG16Angle  # noqa: E402 - only where torch is
from train import angle_torch


def quad(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def rendered(number: int) -> PageSample:
    """A page of simple letters, with its lines."""
    rng = np.random.default_rng(number)
    image = np.full((420, 420, 3), 250, np.uint8)
    lines = []
    for y in range(40, 400, 40):
        text = "".join(rng.choice(list("AFJLPRTVYLhjty27"), 16))
        cv2.putText(image, text, (10, y), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (20, 20, 20), 2)
        lines.append(Line(quad(10, y - 24, 400, y + 4), text))
    return PageSample(image, tuple(lines))


def photo(rng: np.random.Generator) -> Image:
    return rng.integers(0, 256, (300, 300, 3), np.uint8)


def batches(recipe: AngleRecipe) -> PatchBatches:
    return PatchBatches(rendered, photo, recipe, seed=3)


# The network


def test_network_keeps_its_contract_and_its_size() -> None:
    network = AngleNet().eval()
    assert sum(p.numel() for p in network.parameters()) <= 400_000
    for count in (1, 3):
        assert network(torch.zeros(count, 1, SIZE, SIZE)).shape == (count, 4)
    one, both = torch.randn(2, 1, SIZE, SIZE), None
    with torch.inference_mode():
        both = network(one)
        assert torch.allclose(both[:1], network(one[:1]), atol=1e-5)


def test_rotation_of_patches_equals_rotation_of_pages() -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    upright = torch.from_numpy(image[None, None, :, :, 0].astype(np.float32))
    for k, patch in enumerate(angle_torch.four_rotations(upright)):
        back = rotate_ccw(patch[0].numpy().astype(np.uint8)[..., None].repeat(3, 2), 90 * k)
        assert (back == image[..., :1]).all()


def test_four_rotations_are_ordered_by_turn() -> None:
    upright = torch.arange(3.0)[:, None, None, None].expand(3, 1, 4, 4)
    assert angle_torch.four_rotations(upright)[:, 0, 0, 0].tolist() == [0, 1, 2] * 4


# The batches


def test_batch_is_the_same_every_time_and_differs_from_the_next() -> None:
    make = batches(AngleRecipe(pages=2))
    first, again, second = make(0), make(0), make(1)
    assert all((first[key] == again[key]).all() for key in first)
    assert first["patches"].shape != second["patches"].shape or (
        (first["patches"] != second["patches"]).any()
    )
    assert first["patches"].dtype == np.float32
    assert len(first["patches"]) == len(first["known"])


def test_pages_have_text_and_photographs_have_none() -> None:
    assert batches(AngleRecipe(photo_share=0))(0)["known"].all()
    assert not batches(AngleRecipe(photo_share=1))(0)["known"].any()


def test_blank_pages_still_make_a_batch() -> None:
    def blank(_: int) -> PageSample:
        return PageSample(np.full((50, 50, 3), 255, np.uint8), ())

    batch = PatchBatches(blank, photo, AngleRecipe(photo_share=0), seed=1)(0)
    assert batch["patches"].shape == (1, 1, SIZE, SIZE)
    assert not batch["known"].any()


def test_patches_without_jitter_equal_those_of_reading() -> None:
    recipe = AngleRecipe(pages=1, patches=8, line_patches=0, photo_share=0, jitter=0)
    found = batches(recipe)(5)["patches"]
    assert np.array_equal(found, page_patches(rendered(5).image)[0])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), PatchLabel.NO_TEXT),
        ((Line(quad(300, 300, 400, 320), "far"),), PatchLabel.NO_TEXT),
        ((Line(quad(10, 10, 110, 30), "text"),), PatchLabel.TEXT),
        ((Line(quad(-500, 10, 110, 30), "cut"),), PatchLabel.TEXT),
        ((Line(quad(10, 10, 110, 30), "?", ignore=True),), PatchLabel.UNSURE),
        ((Line(quad(10, 10, 110, 12), "tiny"),), PatchLabel.UNSURE),
        ((Line(quad(120, 10, 400, 30), "edge"),), PatchLabel.UNSURE),
        ((Line(quad(60, 10, 80, 120)[[1, 2, 3, 0]], "column"),), PatchLabel.TEXT),
        (
            (Line(quad(10, 10, 110, 30), "?", ignore=True), Line(quad(10, 50, 110, 70), "text")),
            PatchLabel.TEXT,
        ),
    ],
)
def test_patch_label_says_whether_the_turn_can_be_told(
    lines: tuple[Line, ...], expected: PatchLabel
) -> None:
    assert patch_label(np.array([0, 0, 128, 128], np.float32), lines, 128) == expected


def test_patch_label_measures_text_at_the_scale_of_the_patch() -> None:
    line = (Line(quad(0, 0, 1200, 20), "text"), Line(quad(0, 40, 1200, 60), "text"))
    assert patch_label(np.array([0, 0, 128, 128], np.float32), line, 128) == PatchLabel.TEXT
    assert patch_label(np.array([0, 0, 1280, 1280], np.float32), line, 128) == PatchLabel.UNSURE


def test_jittered_box_stays_square_and_near() -> None:
    rng = np.random.default_rng(0)
    box = np.array([100, 50, 228, 178], np.float32)
    for _ in range(50):
        moved = jittered(box, rng)
        sides = moved[2:] - moved[:2]
        assert sides[0] == pytest.approx(sides[1], rel=1e-4)
        assert 0.66 < sides[0] / 128 < 1.5
        assert (np.abs((moved[:2] + moved[2:]) / 2 - (164, 114)) <= 32.01).all()


def test_tilted_cut_by_zero_degrees_equals_cut() -> None:
    grey = np.asarray(cv2.cvtColor(rendered(0).image, cv2.COLOR_RGB2GRAY), np.uint8)
    box = np.array([100, 100, 228, 228], np.float32)
    difference = cut(grey, box, SIZE).astype(int) - tilted_cut(grey, box, SIZE, 0.0)
    assert np.abs(difference).mean() < 1
    assert np.abs(cut(grey, box, SIZE).astype(int) - tilted_cut(grey, box, SIZE, 9.0)).mean() > 5


# Loss and judging


def test_loss_of_text_free_patches_is_least_when_nothing_is_claimed() -> None:
    loss = angle_torch.make_loss(AngleRecipe())
    batch = {"patches": torch.randn(4, 1, 8, 8), "known": torch.zeros(4, dtype=torch.bool)}

    def value(logit: float) -> float:
        logits = torch.tensor([logit, 0.0, 0.0, 0.0])
        network = lambda inputs: logits.expand(len(inputs), 4)  # noqa: E731
        return float(loss(network, batch, 0.0)[0])

    quiet, loud = value(0.0), value(3.0)
    assert quiet == pytest.approx(np.log(4), abs=1e-5)
    assert loud > quiet + 0.3


def test_ten_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    batch = {
        key: torch.from_numpy(value)
        for key, value in batches(AngleRecipe(pages=1, patches=4, photo_share=0))(1).items()
    }
    network = AngleNet(((8, 2), (16, 2), (16, 2), (32, 2)), dropout=0.0)
    loss = angle_torch.make_loss(AngleRecipe(inverted=0.0))
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    values = []
    for _ in range(10):
        value, figures = loss(network, batch, 0.0)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]
    assert np.isfinite(values).all()
    assert 0 <= figures["right"] <= 1


def test_reference_network_lowers_its_loss() -> None:
    torch.manual_seed(0)
    values = 0.3 * torch.randn(4, 1, 32, 32)
    values[:, :, :8] += 2
    batch = {"patches": values, "known": torch.tensor([True, True, True, False])}
    network, loss = VGG16Angle((4, 4, 6, 6, 8)), angle_torch.make_loss(AngleRecipe(inverted=0.0))
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    losses = []
    for _ in range(12):
        value, _ = loss(network.train(), batch, 1.0)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < 0.8 * losses[0]


def test_fitted_temperature_makes_scores_equal_the_share_that_is_right() -> None:
    """Eight patches that are always wrong together know no more than one of them."""
    rng = np.random.default_rng(0)
    pages = []
    for _ in range(100):
        page = np.zeros((4, 8, 4))
        for turn in range(4):
            said = turn if rng.random() < 0.8 else int(rng.integers(4))
            page[turn, :, said] = 4.0
        pages.append(page)
    temperature = angle_torch.fit_temperature(pages)
    scores = angle_torch.probabilities(pages, temperature)
    right = (scores.argmax(2) == np.arange(4)).mean()
    assert temperature > 5
    assert scores.max(axis=2).mean() == pytest.approx(right, abs=0.03)


def test_evaluate_counts_right_turns_and_writes_the_configuration(tmp_path: Path) -> None:
    torch.manual_seed(0)
    page = page_patches(rendered(0).image)[0]
    cases = [
        angle_torch.EvaluatedPage("rendered", page),
        angle_torch.EvaluatedPage("shop", page[:1]),
    ]
    figures = angle_torch.evaluate(AngleNet().eval(), cases, tmp_path)
    assert figures["shop/pages"] == figures["real/pages"]
    assert 0 <= figures["rendered/pages"] <= 1
    assert "temperature" in (tmp_path / "config.json").read_text()
