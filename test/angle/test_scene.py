"""Which way up a photograph is by what it shows: preprocessing, network, batches, training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from angle.scene import SIDE, Scene, four_turns, turn_chances, views
from common.arrays import Floats, Image
from common.image import rotate_ccw
from train.batches.scenes import SceneBatches, cut, photographs
from train.loop.recipes import SceneRecipe

HELD_OUT_EVERY = SceneRecipe().held_out_every


def landscape(seed: int = 0, height: int = 300, width: int = 420) -> Image:
    """Sky, bright above, over dark ground, with a few trunks."""
    rng = np.random.default_rng(seed)
    horizon = int(height * rng.uniform(0.4, 0.6))
    image = np.zeros((height, width, 3), np.uint8)
    shade = np.linspace(0, 1, horizon)[:, None, None]
    image[:horizon] = 150 + 90 * shade * rng.uniform(0.5, 1, 3)
    image[horizon:] = rng.integers(20, 90, 3)
    for x in rng.integers(20, width - 20, 4):
        cv2.line(image, (int(x), horizon + 30), (int(x), horizon - 70), (30, 40, 20), 7)
        cv2.circle(image, (int(x), horizon - 80), 24, (20, 90, 30), -1)
    noise = rng.normal(0, 6, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def brightness_above(inputs: Floats) -> tuple[Floats]:
    """A stand-in for a network: how much brighter a view is above than below."""
    half = inputs.shape[2] // 2
    difference = inputs[:, :, :half].mean((1, 2, 3)) - inputs[:, :, half:].mean((1, 2, 3))
    return (4 * difference[:, None],)


# Preprocessing and decision


@pytest.mark.parametrize(
    ("height", "width", "count"), [(300, 420, 3), (420, 300, 3), (90, 90, 1), (1, 50, 3)]
)
def test_views_are_normalized_squares(height: int, width: int, count: int) -> None:
    seen = views(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))
    assert seen.shape == (count, 3, SIDE, SIDE)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen.mean((1, 2, 3)), 0, atol=1e-3)
    assert (seen.std((1, 2, 3)) < 1).all()


def test_views_of_a_picture_of_one_color_are_zero() -> None:
    assert not views(np.full((50, 80, 3), 90, np.uint8)).any()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_probabilities_rotate_with_the_picture(degrees: int) -> None:
    scene = Scene(brightness_above)
    upright = scene(landscape())
    turned = scene(np.ascontiguousarray(rotate_ccw(landscape(), -degrees % 360)))
    assert upright.argmax() == 0
    assert turned.argmax() == degrees // 90
    np.testing.assert_allclose(np.roll(upright, degrees // 90), turned, atol=0.02)
    assert turned.sum() == pytest.approx(1)


def test_mirrored_picture_has_the_same_probabilities() -> None:
    scene = Scene(brightness_above)
    mirrored = np.ascontiguousarray(landscape()[:, ::-1])
    np.testing.assert_allclose(scene(landscape())[[0, 2]], scene(mirrored)[[0, 2]], atol=1e-3)


def test_higher_temperature_lowers_the_probability() -> None:
    scores = np.array([[2.0], [0.0], [1.0], [0.0]])
    assert turn_chances(scores, 1.0)[0] > turn_chances(scores, 3.0)[0] > 0.25
    with pytest.raises(ValueError, match="temperature 0, expected a positive"):
        Scene(brightness_above, temperature=0)


def test_four_turns_undo_a_turn() -> None:
    seen = views(landscape())
    for k in range(4):
        shown = np.rot90(seen, -k, (2, 3))  # clockwise
        found = four_turns(shown).reshape(4, 2, *seen.shape)[k]
        np.testing.assert_array_equal(found[0], seen)
        np.testing.assert_array_equal(found[1], seen[..., ::-1])


# Training data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(2 * HELD_OUT_EVERY):
        cv2.imwrite(str(tmp_path / f"{i:03d}.jpg"), landscape(i)[:, :, ::-1])
    return tmp_path


def test_every_eighth_photograph_is_held_out(folder: Path) -> None:
    learned, held = photographs(folder, HELD_OUT_EVERY)
    assert (len(learned), len(held)) == (2 * HELD_OUT_EVERY - 2, 2)


def test_too_few_photographs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found 0 photographs .* expected at least"):
        photographs(tmp_path, HELD_OUT_EVERY)
    with pytest.raises(ValueError, match="--backgrounds None"):
        photographs(None, HELD_OUT_EVERY)


def test_batches_are_the_same_each_time_and_upright(folder: Path) -> None:
    batches = SceneBatches(photographs(folder, HELD_OUT_EVERY)[0], SceneRecipe(views=40), seed=5)
    made, again = batches(3), batches(3)
    np.testing.assert_array_equal(made["views"], again["views"])
    assert made["views"].shape == (40, 3, SIDE, SIDE)
    assert 20 < made["known"].sum() < 40
    known = np.asarray(made["views"], np.float32)[made["known"]]
    assert brightness_above(known)[0].mean() > 1  # the sky is above in the mean, whatever covers it


def test_cut_views_lie_inside_the_photograph() -> None:
    image = np.full((240, 360, 3), 77, np.uint8)
    for seed in range(20):
        view = cut(image, np.random.default_rng(seed), SceneRecipe())
        assert view.shape == (SIDE, SIDE, 3)
        assert (view == 77).all()


# The network and its training


@pytest.mark.torch
def test_network_scores_each_view_by_itself() -> None:
    torch = pytest.importorskip("torch")
    from angle.scene_torch import SceneNet

    network = SceneNet().eval()
    assert sum(p.numel() for p in network.parameters()) < 600_000
    pair = torch.randn(2, 3, SIDE, SIDE)
    with torch.inference_mode():
        both = network(pair)
        assert both.shape == (2, 1)
        assert torch.allclose(both[:1], network(pair[:1]), atol=1e-5)


@pytest.mark.torch
@pytest.mark.slow
def test_training_learns_to_tell_upright_pictures(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    from angle.scene_torch import SceneNet
    from train.scene_torch import evaluate, make_loss

    torch.manual_seed(0)
    recipe = SceneRecipe(views=6, dropout=0.1)
    learned, held = photographs(folder, HELD_OUT_EVERY)
    batches, network, loss = (
        SceneBatches(learned, recipe, 1),
        SceneNet(dropout=0.1),
        make_loss(recipe),
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    values = []
    for index in range(25):
        batch = {key: torch.from_numpy(value) for key, value in batches(index).items()}
        value, figures = loss(network, batch, 0.0)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(figures["loss"])
    assert np.mean(values[-5:]) < 0.7 * values[0]
    figures = evaluate(network.eval(), [views(image) for image in held], folder)
    assert figures["right"] == 1.0
    assert figures["nll"] < 0.7
    assert (folder / "config.json").exists()


@pytest.mark.torch
def test_loss_of_a_blank_view_is_least_at_a_quarter_for_each_turn() -> None:
    torch = pytest.importorskip("torch")
    from train.scene_torch import make_loss

    class Sure(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, turned: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined]
            return torch.arange(len(turned), 0.0, -1.0)[:, None] * self.scale

        scale = 1.0

    batch = {"views": torch.zeros(1, 3, SIDE, SIDE), "known": torch.tensor([False])}
    network, loss = Sure(), make_loss(SceneRecipe())
    sure = loss(network, batch, 0.0)[0].item()
    network.scale = 0.0
    even = loss(network, batch, 0.0)[0].item()
    assert even == pytest.approx(np.log(4))
    assert even < sure
