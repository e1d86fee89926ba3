"""A spotter as two files: they answer as PyTorch does, share arrays with the recognizer, and read a page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from safetensors.torch import save_file  # noqa: E402

import ocr  # noqa: E402
from detection.network_torch import Widths  # noqa: E402
from ocr.models import build  # noqa: E402
from recognition.charset import LARGEST, Charset  # noqa: E402
from recognition.network_torch import SmallCRNN  # noqa: E402
from spotting.fots import Spotter  # noqa: E402
from spotting.fots_torch import FOTSNet  # noqa: E402
from train.export import __main__ as command  # noqa: E402
from train.export import models  # noqa: E402
from train.export import spotter as spotter_export  # noqa: E402
from train.export.onnx_file import register  # noqa: E402
from train.spotters import fots  # noqa: E402
from train.transfer import quantized_weights  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

NARROW = Widths((32, 64, 8, 16), 16, 8)


def narrow(classes: int) -> FOTSNet:
    torch.manual_seed(4)
    return FOTSNet(classes, NARROW, 5, {"widths": (8, 12, 16, 20), "hidden": 6})


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command line on a narrow network and made-up inputs."""
    rng = np.random.default_rng(2)

    def pictures(*_: Any) -> Iterator[np.ndarray]:
        yield from (rng.normal(size=(1, 3, 48, width)).astype(np.float32) for width in (64, 96))

    def lines(*_: Any) -> Iterator[dict[str, np.ndarray]]:
        for count in (2, 3):
            yield {
                "places": rng.uniform(-1, 1, (count, 16, 8 * count, 2)).astype(np.float32),
                "near": rng.uniform(0, 2, (1, 32, 24, 32)).astype(np.float32),
                "wide": rng.uniform(0, 2, (1, 64, 12, 16)).astype(np.float32),
            }

    monkeypatch.setattr(fots, "FOTSNet", narrow)
    monkeypatch.setattr(fots, "detector_inputs", pictures)
    monkeypatch.setattr(fots, "_head_inputs", lines)

    def run(network: FOTSNet, *options: str) -> Path:
        save_file(network.state_dict(), tmp_path / "trained.safetensors")
        argv = ["train.export", "fots", str(tmp_path / "trained.safetensors"), *options]
        monkeypatch.setattr(sys, "argv", [*argv, "--out", str(tmp_path / "weights")])
        command.main()
        return tmp_path / "weights"

    return run


def test_two_files_are_one_spotter(exported: Any) -> None:
    network = narrow(Charset.load(LARGEST).classes).eval()
    folder = exported(network)
    rows = json.loads((folder / "manifest.json").read_text())["models"]
    assert [(r["name"], r["task"], r["file"]) for r in rows] == [
        ("fots", "spotter", "fots.onnx"), ("fots", "trunk", "fots-trunk.onnx"),
    ]  # fmt: skip
    spotter = build("fots", "spotter", folder=folder, options={"reading": {"decode": "greedy"}})
    assert isinstance(spotter, Spotter)
    page = np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8)
    reader = ocr.Reader(spotter.find, spotter.read, spotter=spotter)
    assert isinstance(reader.read(page).text, str)
    assert isinstance(reader.read(page[:30], single_line=True).text, str)
    again = quantized_weights.load(folder / "fots.onnx")
    assert set(again) == set(network.state_dict())


def test_finding_may_come_from_a_detector(exported: Any, tmp_path: Path) -> None:
    network = narrow(20).eval()
    other = {k: v for k, v in network.state_dict().items() if not k.startswith("reader.")}
    other["score.bias"] = other["score.bias"] + 3
    save_file(other, tmp_path / "east.safetensors")
    state = {k: v.numpy() for k, v in network.state_dict().items()}
    found = spotter_export._found_by(tmp_path / "east.safetensors", state)
    assert (
        found["score.bias"] == other["score.bias"].numpy() and "reader.classify.bias" not in found
    )
    save_file(
        {**other, "trunk.1.conv.weight": 2 * other["trunk.1.conv.weight"]},
        tmp_path / "b.safetensors",
    )
    with pytest.raises(ValueError, match="trunk.1.conv.weight"):
        spotter_export._found_by(tmp_path / "b.safetensors", state)
    save_file({"deep.weight": other["score.bias"]}, tmp_path / "c.safetensors")
    with pytest.raises(ValueError, match="deep.weight"):
        spotter_export._found_by(tmp_path / "c.safetensors", state)


def test_arrays_of_the_recognizer_are_not_stored_twice(exported: Any, tmp_path: Path) -> None:
    classes = Charset.load(LARGEST).classes
    network = narrow(classes).eval()
    whole = exported(network)
    size = (whole / "fots.onnx").stat().st_size
    recognizer = SmallCRNN(classes, (8, 12, 16, 20), 6).eval()
    state = {k: v for k, v in network.reader.state_dict().items() if not k.startswith("stem.0")}
    recognizer.load_state_dict({**recognizer.state_dict(), **state})
    save_file(recognizer.state_dict(), tmp_path / "small.safetensors")
    options = models.ExportOptions(tmp_path / "small.safetensors", 1, "")
    row = models.recognition.METHODS["crnn"]
    made = models.recognizer_export(options, row)
    values = np.random.default_rng(1).normal(size=(2, 1, 32, 64)).astype(np.float32)
    ready = models.replace(made, trained=recognizer, inputs=lambda: iter([values]))
    from train.export.onnx_file import make

    (tmp_path / "made").mkdir()
    make(ready, tmp_path / "made", quantized=True).replace(whole / "crnn-small.onnx")
    about = {"name": "small", "task": "recognizer", "package": "crnn", "data": ""}
    register(about, whole / "crnn-small.onnx")
    folder = exported(network, "--share", "small")
    assert (folder / "fots.onnx").stat().st_size < 0.5 * size
    (row_of_head,) = [
        r
        for r in json.loads((folder / "manifest.json").read_text())["models"]
        if r["task"] == "spotter"
    ]
    assert row_of_head["shares"] == "recognizer/small"
    found = build("fots", "spotter", folder=folder)
    assert len(found.read([np.zeros((32, 90, 3), np.uint8)])) == 1
