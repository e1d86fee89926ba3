"""Weights between two: the ends, the middle, grown charsets, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from crnn.model_torch import BaseCRNN, SmallCRNN
from train.transfer import quantized_weights
from train.transfer.interpolate import interpolate, interpolate_files
from train.transfer.quantized_weights import Weights


def weights(rng: np.random.Generator, classes: int = 5) -> Weights:
    return {
        "conv.weight": rng.normal(size=(3, 2, 3, 3)).astype(np.float32),
        "norm.num_batches_tracked": np.array(7 + classes, np.int64),
        "scale": np.array(rng.normal(), np.float32),
        "classify.weight": rng.normal(size=(classes, 4)).astype(np.float32),
        "classify.bias": rng.normal(size=classes).astype(np.float32),
    }


def test_alpha_zero_and_one_give_the_two_networks(rng: np.random.Generator) -> None:
    before, after = weights(rng), weights(rng)
    for alpha, expected in ((0.0, before), (1.0, after)):
        for name, value in interpolate(before, after, alpha).items():
            np.testing.assert_allclose(value, expected[name], atol=1e-6)
    middle = interpolate(before, after, 0.25)["conv.weight"]
    np.testing.assert_allclose(
        middle, 0.75 * before["conv.weight"] + 0.25 * after["conv.weight"], atol=1e-6
    )


def test_characters_that_came_later_keep_their_weights(rng: np.random.Generator) -> None:
    before, after = weights(rng, 5), weights(rng, 8)
    mixed = interpolate(before, after, 0.5)
    np.testing.assert_array_equal(mixed["classify.weight"][5:], after["classify.weight"][5:])
    np.testing.assert_allclose(
        mixed["classify.bias"][:5],
        (before["classify.bias"] + after["classify.bias"][:5]) / 2,
        atol=1e-6,
    )
    assert mixed["norm.num_batches_tracked"] == after["norm.num_batches_tracked"]


def test_arguments_are_not_changed(rng: np.random.Generator) -> None:
    before, after = weights(rng), weights(rng)
    kept = {name: value.copy() for name, value in after.items()}
    interpolate(before, after, 0.5)
    for name, value in kept.items():
        np.testing.assert_array_equal(after[name], value)


def test_blocks_that_a_network_has_grown_count_by_alpha() -> None:
    torch.manual_seed(3)
    small, grown = SmallCRNN(7).eval(), BaseCRNN(7).eval()
    for name, parameter in grown.named_parameters():
        if ".body.4." in name:
            torch.nn.init.normal_(parameter)
    before, after = (
        {name: value.numpy() for name, value in network.state_dict().items()}
        for network in (small, grown)
    )
    lines, made = torch.randn(1, 1, 32, 48), BaseCRNN(7).eval()
    for alpha, same in ((0.0, small), (1.0, grown)):
        mixed = interpolate(before, after, alpha)
        made.load_state_dict({name: torch.from_numpy(value) for name, value in mixed.items()})
        with torch.inference_mode():
            torch.testing.assert_close(made(lines), same(lines))
    name = "stage2.3.body.4.weight"
    np.testing.assert_allclose(interpolate(before, after, 0.5)[name], after[name] / 2)
    with pytest.raises(ValueError, match="only one of the two has"):
        interpolate(after, before)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alphas_outside_are_refused(rng: np.random.Generator, alpha: float) -> None:
    with pytest.raises(ValueError, match="expected 0"):
        interpolate(weights(rng), weights(rng), alpha)


def test_other_networks_are_refused(rng: np.random.Generator) -> None:
    before, after = weights(rng), weights(rng)
    with pytest.raises(ValueError, match="classify.bias"):
        interpolate(before, {k: v for k, v in after.items() if k != "classify.bias"})
    with pytest.raises(ValueError, match="conv.weight"):
        interpolate(before, after | {"conv.weight": np.zeros((3, 1, 3, 3), np.float32)})
    with pytest.raises(ValueError, match="classify"):
        interpolate(weights(rng, 8), weights(rng, 5))


def test_files_of_any_format_are_interpolated(rng: np.random.Generator, tmp_path: Path) -> None:
    before, after = weights(rng), weights(rng)
    quantized_weights.save(before, tmp_path / "before.safetensors", "float16")
    save_file(after, tmp_path / "after.safetensors")
    interpolate_files(
        tmp_path / "before.safetensors", tmp_path / "after.safetensors", tmp_path / "out", 0.5
    )
    out = load_file(tmp_path / "out")
    np.testing.assert_allclose(out["scale"], (before["scale"] + after["scale"]) / 2, atol=1e-3)
    assert [path.name for path in tmp_path.glob("*.part")] == []
    content = (tmp_path / "after.safetensors").read_bytes()
    with pytest.raises(ValueError, match="one of the files to be read"):
        interpolate_files(
            tmp_path / "before.safetensors",
            tmp_path / "after.safetensors",
            tmp_path / "." / "after.safetensors",
        )
    assert (tmp_path / "after.safetensors").read_bytes() == content
