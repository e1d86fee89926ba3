"""Reference models from trained weights to the files that reading uses, narrow and with random weights."""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from safetensors.torch import save_file

import angle.model_torch
import crnn.model_torch
import ctpn.model_torch
import detection.db
import detection.db_torch
import recognition
from crnn.model_torch import CRNN, SmallCRNN
from detection.db_torch import DBNet
from detection.network_torch import Deployed, Widths
from ocr import Reader
from ocr.models import build
from ocr.onnx_runtime import load_onnx
from ocr.weights import WeightsError
from recognition.attention_ocr_torch import AttentionOCR
from recognition.attention_torch import AttentionReading
from recognition.densenet_torch import DenseNetCTC
from recognition.rare_torch import RARE
from recognition.resnet_attention_torch import ResNetAttention
from train.export import __main__ as command
from train.export import models
from train.export.compress import compress
from train.transfer import quantized_weights

pytestmark = [
    pytest.mark.torch,
    pytest.mark.slow,
    # The exporters warn about themselves.
    pytest.mark.filterwarnings("ignore"),
]

NARROW = (4, 6, 8, 10, 12)
WORDS = (8, 8, 12, 12)
"""Channels that `channel_padding` leaves alone."""


class NarrowAngle(angle.model_torch.VGG16Angle):
    def __init__(self, **more: Any) -> None:
        super().__init__(NARROW, **more)


class NarrowCTPN(ctpn.model_torch.VGG16CTPN):
    def __init__(self, **more: Any) -> None:
        super().__init__(NARROW, 9, 5, **more)


def narrow_line(arch: str, classes: int) -> torch.nn.Module:
    if arch == "densenet":
        return DenseNetCTC(classes, 8, 2, 4, 8)
    if arch == "small":
        return SmallCRNN(classes, WORDS, 6)
    if arch in ("rare", "attention-ocr"):
        make = RARE if arch == "rare" else AttentionOCR
        return make(classes, 8, widths=WORDS, hidden=6)
    if arch == "resnet-attention":
        return ResNetAttention(classes, NARROW[:4], 6)
    return CRNN(classes, NARROW[:4], 6, "gru" if arch == "crnn-gru" else "lstm")


def _inputs(package: str) -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    shapes = {
        "angle": [(2, 1, 128, 128), (1, 1, 128, 128)],
        "detector": [(1, 3, 48, 64), (1, 3, 32, 96)],
        "recognizer": [(2, 1, 32, 48), (3, 1, 32, 64)],
    }
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes[package]]


def _seasoned(network: torch.nn.Module, package: str) -> torch.nn.Module:
    """Let batch norms see something, so that folding them is not trivial."""
    network.train()
    with torch.no_grad():
        for values in _inputs(package) * 2:
            network(torch.from_numpy(values) * 2 + 0.5)
    return network.eval()


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command line on narrow networks and made-up inputs, into a folder of weights."""
    monkeypatch.setattr(angle.model_torch, "VGG16Angle", NarrowAngle)
    monkeypatch.setitem(ctpn.model_torch.NETWORKS, "reference", NarrowCTPN)
    for row in recognition.METHODS.values():
        narrow = functools.partial(narrow_line, row.network)
        monkeypatch.setitem(row.torch.NETWORKS, row.network, narrow)
    for name, exported in dict(models.EXPORTS).items():
        own = lambda args, make=exported.make, task=exported.task: replace(  # noqa: E731
            make(args), inputs=lambda: iter(_inputs(task))
        )
        monkeypatch.setitem(models.EXPORTS, name, exported._replace(make=own))

    def run(package: str, network: torch.nn.Module, *options: str) -> torch.nn.Module:
        torch.manual_seed(0)
        network = _seasoned(network, models.EXPORTS[package].task)
        save_file(network.state_dict(), tmp_path / "trained.safetensors")
        argv = ["train.export", package, str(tmp_path / "trained.safetensors"), *options]
        monkeypatch.setattr(sys, "argv", [*argv, "--out", str(tmp_path / "weights")])
        command.main()
        return network

    return run


def _classes() -> int:
    from recognition.charset import Charset

    return Charset.load().classes


def test_three_reference_models_read_a_page(export: Any, tmp_path: Path) -> None:
    export("angle-reference", NarrowAngle(), "--float", "--temperature", "3")
    export("ctpn-reference", NarrowCTPN())
    export("crnn-reference", narrow_line("crnn", _classes()))
    folder = tmp_path / "weights"
    rows = json.loads((folder / "manifest.json").read_text())["models"]
    assert [(r["name"], r["task"]) for r in rows] == [
        ("reference", "angle"), ("reference", "detector"), ("reference", "recognizer"),
    ]  # fmt: skip
    parts = {
        task: build("reference", task, folder=folder)
        for task in ("angle", "detector", "recognizer")
    }
    reader = Reader(parts["detector"], parts["recognizer"], parts["angle"])
    page = np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8)
    assert isinstance(reader.read(page).text, str)
    line = reader.read(page[:30], single_line=True)
    assert len(line.lines) <= 1
    assert load_onnx(folder / "angle-reference.onnx")[1] == {"temperature": 3.0}
    assert len(load_onnx(folder / "crnn-reference.onnx")[1]["charset"]) + 1 == _classes()


def _compare(path: Path, network: torch.nn.Module, package: str) -> None:
    run, _ = load_onnx(path)
    for values in _inputs(package):
        wider = np.concatenate([values, values], axis=3) if package == "recognizer" else values
        with torch.inference_mode():
            expected = network(torch.from_numpy(wider))
        expected = expected if isinstance(expected, tuple) else (expected,)
        for a, b in zip(run(wider), expected, strict=True):
            np.testing.assert_allclose(a, b.numpy(), atol=1e-4)


@pytest.mark.parametrize("arch", ["crnn", "densenet"])
def test_onnx_of_recognizers_equals_pytorch(arch: str, export: Any, tmp_path: Path) -> None:
    method = {"crnn": "crnn-reference"}.get(arch, arch)
    network = export(method, narrow_line(arch, _classes()), "--float")
    path = tmp_path / "weights" / f"{recognition.METHODS[method].file}.onnx"
    _compare(path, crnn.model_torch.LogProbabilities(network).eval(), "recognizer")
    assert load_onnx(path)[1].get("stride", 4) == (8 if arch == "densenet" else 4)


def test_onnx_of_angle_and_detector_equals_pytorch(export: Any, tmp_path: Path) -> None:
    network = export("angle-reference", NarrowAngle(), "--float")
    _compare(tmp_path / "weights" / "angle-reference.onnx", network, "angle")
    network = export("ctpn-reference", NarrowCTPN(), "--float")
    deployed = Deployed(network, ctpn.model_torch.activate)
    _compare(tmp_path / "weights" / "ctpn-reference.onnx", deployed, "detector")


def test_a_further_detector_is_read_with_by_its_row(
    export: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = functools.partial(DBNet, Widths((4, 8, 8, 16), 16, 8))
    monkeypatch.setitem(detection.db_torch.NETWORKS, "small", narrow)
    network = export("db", narrow(), "--float")
    deployed = Deployed(network, detection.db_torch.activate)
    _compare(tmp_path / "weights" / "db.onnx", deployed, "detector")
    export("db", narrow())
    detector = build("db", "detector", folder=tmp_path / "weights")
    assert isinstance(detector, detection.db.Detector)
    quads, scores = detector(np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8))
    assert quads.shape == (len(scores), 4, 2)


def test_a_network_without_batch_norm_is_exported_too(export: Any, tmp_path: Path) -> None:
    network = export("angle-reference", NarrowAngle(normalized=False), "--float")
    _compare(tmp_path / "weights" / "angle-reference.onnx", network, "angle")


def test_reading_by_attention_is_exported_with_its_loop(export: Any, tmp_path: Path) -> None:
    options = ("--decoder", "attention", "--float")
    network = export("resnet-attention", narrow_line("resnet-attention", _classes()), *options)
    path = tmp_path / "weights" / "crnn-resnet-attention.onnx"
    _compare(path, AttentionReading(network), "recognizer")
    reader = build("resnet-attention", "recognizer", folder=tmp_path / "weights")
    crops = [np.random.default_rng(3).integers(0, 255, (32, w, 3), np.uint8) for w in (20, 80)]
    assert len(reader(crops)) == 2


@pytest.mark.parametrize(("method", "compressed"), [("rare", False), ("attention-ocr", True)])
def test_arrays_of_another_file_are_not_stored_twice(
    method: str, compressed: bool, export: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "weights"
    small = folder / "crnn-small.onnx"
    export("crnn", narrow_line("small", _classes()), "--shortlist", "0")
    known, size = quantized_weights.load(small), small.stat().st_size
    if compressed:
        compress(small)
        small.unlink()
    network = narrow_line(method, _classes())
    start = {name: torch.from_numpy(value) for name, value in known.items()}
    network.load_state_dict(network.state_dict() | start)
    trained = export(method, network, "--share", "small")
    path = folder / f"crnn-{method}.onnx"
    assert path.stat().st_size < 0.2 * size
    again = quantized_weights.load(path)
    assert set(again) == set(trained.state_dict())
    np.testing.assert_array_equal(again["classify.weight"], known["classify.weight"])
    if (
        not compressed
    ):  # until now: the file in which the others' arrays are may be compressed afterwards
        compress(small)
        small.unlink()

    run, config = load_onnx(path)
    assert config["decoder"] == "attention"
    values = _inputs("recognizer")[0]
    with torch.inference_mode():
        _, expected, _ = AttentionReading(trained)(torch.from_numpy(values))
    np.testing.assert_allclose(run(values)[1][:, 0], expected[:, 0].numpy(), atol=0.2)
    crop = np.random.default_rng(3).integers(0, 255, (32, 70, 3), np.uint8)
    assert len(build(method, "recognizer", folder=folder)([crop])) == 1

    manifest = json.loads((folder / "manifest.json").read_text())
    next(r for r in manifest["models"] if r["name"] == method)["shares_sha256"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(WeightsError, match="made with another crnn-small.onnx.xz"):
        build(method, "recognizer", folder=folder)


@pytest.mark.parametrize("form", ["inside", "float16"])
def test_shipped_weights_start_a_training(form: str, export: Any, tmp_path: Path) -> None:
    network = export("angle-reference", NarrowAngle(), *(["--float"] if form == "float16" else []))
    again = NarrowAngle()
    end = "onnx" if form == "inside" else "safetensors"
    state = quantized_weights.load(tmp_path / "weights" / f"angle-reference.{end}")
    again.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    values = torch.from_numpy(_inputs("angle")[0])
    with torch.inference_mode():
        torch.testing.assert_close(again.eval()(values), network(values), atol=2e-2, rtol=2e-2)


def test_the_angle_takes_the_temperature_that_its_run_fitted(export: Any, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"temperature": 4.5}')
    export("angle-reference", NarrowAngle(), "--float")
    assert load_onnx(tmp_path / "weights" / "angle-reference.onnx")[1] == {"temperature": 4.5}


def test_unknown_models_and_decoders_are_refused(
    export: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.export", "yolo", "weights.safetensors"])
    with pytest.raises(SystemExit):
        command.main()
    assert "invalid choice: 'yolo'" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["train.export", "ctpn", "gone.safetensors"])
    with pytest.raises(SystemExit):
        command.main()
    assert "gone.safetensors: there is no such file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        export("ctpn-reference", NarrowAngle())
    assert "holds no weights of ctpn-reference: " in capsys.readouterr().err
    with pytest.raises(ValueError, match="--decoder attention is not for reference: ctc"):
        export("crnn-reference", narrow_line("crnn", 5), "--decoder", "attention")
