"""The contract of `recognition.method`, tested of every row of `METHODS`: a new method brings no test file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recognition import METHODS, row_of
from recognition.preprocess import STRIDE
from recognition.recognizer import DECODERS
from train.loop.recipes import CrnnRecipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CHARSET = "abcdefgh"
CLASSES = len(CHARSET) + 1

SMALLER: dict[str, dict[str, Any]] = {
    "small": {"widths": (8, 12, 16, 20), "hidden": 8},
    "base": {"widths": (4, 6, 8, 10), "hidden": 8},
    "crnn": {"widths": (4, 6, 8, 10), "hidden": 8},
    "crnn-gru": {"widths": (4, 6, 8, 10), "hidden": 8},
    "densenet": {"stem": 6, "layers": 2, "growth": 4, "width": 8},
    "resnet-attention": {"widths": (4, 6, 8, 10), "hidden": 8},
    "stn-crnn": {"widths": (8, 12, 16, 20), "hidden": 8},
    "rare": {"widths": (8, 12, 16, 20), "hidden": 8, "decoder": 16},
    "attention-ocr": {"widths": (8, 12, 16, 20), "hidden": 8, "decoder": 16},
    "attention-ocr-views": {"widths": (8, 12, 16, 20), "hidden": 8, "decoder": 16},
}
"""Arguments that make networks fast to test; a network without is tested as it is."""

networks = pytest.mark.parametrize("name", METHODS)

some_networks = pytest.mark.parametrize(
    "name",
    [
        # One method with CTC and one with attention are quick.
        name if name in ("crnn", "resnet-attention") else pytest.param(name, marks=pytest.mark.slow)
        for name in METHODS
    ],
)


def small_network(name: str) -> Any:
    torch.manual_seed(2)
    row = METHODS[name]
    return row.torch.NETWORKS[row.network](CLASSES, **SMALLER.get(row.network, {}))


def lines() -> dict[str, Any]:
    """Four lines of bars, one bar a character, whose width says which."""
    steps = 24
    batch = {
        "lines": torch.zeros(4, 1, 32, steps * STRIDE),
        "labels": torch.tensor([[1, 2, 3, 0], [3, 1, 1, 2], [2, 2, 0, 0], [1, 0, 0, 0]]),
        "lengths": torch.tensor([3, 4, 2, 1]),
        "steps": torch.full((4,), steps),
        "aligned": torch.zeros(4, steps, dtype=torch.int64),
    }
    for row, labels in enumerate(batch["labels"].tolist()):
        for place, label in enumerate(filter(None, labels)):
            x = 8 + 24 * place
            batch["lines"][row, 0, 6:26, x : x + 4 * label] = 2.0
            batch["aligned"][row, x // STRIDE] = place + 1
    return batch


@networks
def test_rows_name_existing_networks_and_decoders(name: str) -> None:
    row = METHODS[name]
    assert row_of(row.network) is row
    assert row.network in row.torch.NETWORKS and callable(row.torch.losses)
    assert set(row.decoders) <= set(DECODERS)
    stride = getattr(small_network(name), "stride", STRIDE)
    assert stride % STRIDE == 0


def test_unknown_network_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of small, base"):
        row_of("transformer")


@networks
def test_lines_of_any_width_give_their_steps(name: str) -> None:
    network = small_network(name).eval()
    stride = getattr(network, "stride", STRIDE)
    for count, columns in ((1, 16), (3, 48), (2, 200)):
        with torch.inference_mode():
            logits = network(torch.randn(count, 1, 32, columns))
            features = network.features(torch.zeros(count, 1, 32, columns))
        assert logits.shape == (count, columns // stride, CLASSES)
        assert features.shape[:2] == logits.shape[:2]
        assert features.shape[2] == network.classify.in_features


@some_networks
def test_ten_steps_lower_the_loss(name: str) -> None:
    from train.recognizer_torch import make_loss

    batch, recipe = lines(), CrnnRecipe(sampled=None)
    for progress in (0.0, 1.0):  # cross-entropy per step alone, then CTC beside it
        network, loss = small_network(name), make_loss(METHODS[name], recipe)
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
        values = []
        for _ in range(10):
            value, figures = loss(network.train(), batch, progress)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            values.append(value.item())
        assert values[-1] < 0.9 * values[0], progress
        assert ("ctc" in figures) == (progress == 1.0)
        silent = [n for n, p in network.named_parameters() if p.requires_grad and p.grad is None]
        assert not silent  # processes that train together wait for every gradient


@networks
def test_a_recognizer_reads_crops_of_any_size(name: str) -> None:
    from crnn.model_torch import as_recognizer
    from recognition.charset import Charset

    for decoder in METHODS[name].decoders:
        reader = as_recognizer(small_network(name), Charset(CHARSET), decoder=decoder)
        assert reader([]) == []
        sizes = ((1, 1), (5, 200), (40, 3), (32, 96))
        crops = [np.random.default_rng(1).integers(0, 255, (*size, 3), np.uint8) for size in sizes]
        for reading in reader(crops):
            assert set(reading.text) <= set(CHARSET) and 0 <= reading.score <= 1
            assert all(0 <= start < end <= 1 for start, end in reading.char_spans)
        assert not reader([np.zeros((0, 9, 3), np.uint8)])[0].text


@some_networks
@pytest.mark.filterwarnings("ignore")  # the exporters warn about themselves
def test_onnx_answers_as_torch_does_at_any_width(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from crnn.model_torch import LogProbabilities
    from train.export.models import LINE_AXES
    from train.export.onnx_file import write_float

    network, path = LogProbabilities(small_network(name)).eval(), tmp_path / "line.onnx"
    axes = {"image": LINE_AXES, "log_probs": {0: "N", 1: "T"}}
    example = np.zeros((2, 1, 32, 64), np.float32)
    write_float(network, example, path, outputs=("log_probs",), axes=axes)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for count, columns in ((1, 16), (3, 80)):
        values = np.random.default_rng(3).normal(size=(count, 1, 32, columns)).astype(np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(values)).numpy()
        np.testing.assert_allclose(session.run(None, {"image": values})[0], expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name, row in METHODS.items() if "attention" in row.decoders]
)
@pytest.mark.filterwarnings("ignore")  # the exporters warn about themselves
def test_onnx_reads_by_attention_as_torch_does(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from recognition.attention_torch import AttentionReading
    from train.export.models import LINE_AXES
    from train.export.onnx_file import write_float

    network, path = small_network(name), tmp_path / "line.onnx"
    network.classify.bias.data[0] = -1  # lines do not end at once
    ready, outputs = AttentionReading(network).eval(), ("labels", "log_probs", "places")
    axes = {"image": LINE_AXES, **{output: {0: "N", 1: "L"} for output in outputs}}
    example = np.zeros((2, 1, 32, 64), np.float32)
    write_float(ready.compiled(), example, path, outputs=outputs, axes=axes)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for count, columns in ((1, 16), (3, 80)):
        values = np.random.default_rng(3).normal(size=(count, 1, 32, columns)).astype(np.float32)
        with torch.inference_mode():
            expected = ready(torch.from_numpy(values))
        for found, wanted in zip(session.run(None, {"image": values}), expected, strict=True):
            np.testing.assert_allclose(found, wanted.numpy(), atol=1e-3)
