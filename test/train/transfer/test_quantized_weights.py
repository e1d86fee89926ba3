"""Weights in float16 and int8: small, and near what they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors")

from train.transfer import quantized_weights


def state(rng: np.random.Generator) -> dict[str, np.ndarray]:
    conv = rng.normal(size=(16, 8, 3, 3)).astype(np.float32)
    conv[3] *= 100
    conv[5] = 0
    return {
        "conv.weight": conv,
        "conv.bias": rng.normal(size=16).astype(np.float32),
        "small.weight": rng.normal(size=(4, 4)).astype(np.float32),
        "norm.num_batches_tracked": np.array(7, np.int64),
    }


@pytest.mark.parametrize("form", quantized_weights.DTYPES)
def test_dequantized_weights_are_close_to_the_originals(
    form: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    before = state(rng)
    quantized_weights.save(before, tmp_path / "w.safetensors", form)
    after = quantized_weights.load(tmp_path / "w.safetensors")
    assert set(after) == set(before)
    assert after["norm.num_batches_tracked"] == 7
    for name in ("conv.weight", "conv.bias", "small.weight"):
        assert after[name].dtype == np.float32
        step = np.abs(before[name]).reshape(len(before[name]), -1).max(axis=1) / 127
        step = step.reshape((-1,) + (1,) * (before[name].ndim - 1))
        assert (np.abs(after[name] - before[name]) <= 0.51 * step + 1e-9).all(), name
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_int8_takes_a_quarter_and_float16_half(tmp_path: Path, rng: np.random.Generator) -> None:
    weights = {"w": rng.normal(size=(64, 64, 3, 3)).astype(np.float32)}
    sizes = {}
    for form in quantized_weights.DTYPES:
        quantized_weights.save(weights, tmp_path / form, form)
        sizes[form] = (tmp_path / form).stat().st_size / weights["w"].nbytes
    assert sizes["int8"] < 0.26 and sizes["float16"] < 0.51


def test_packing_twice_changes_nothing_more(rng: np.random.Generator) -> None:
    once = quantized_weights.dequantize(quantized_weights.quantize(state(rng), "int8"))
    twice = quantized_weights.dequantize(quantized_weights.quantize(once, "int8"))
    for name, value in once.items():
        np.testing.assert_allclose(twice[name], value, rtol=1e-6)


def test_empty_state_is_kept_and_unknown_forms_are_refused(rng: np.random.Generator) -> None:
    assert quantized_weights.dequantize(quantized_weights.quantize({}, "int8")) == {}
    with pytest.raises(ValueError, match="int4"):
        quantized_weights.quantize(state(rng), "int4")
