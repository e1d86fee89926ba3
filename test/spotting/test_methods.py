"""The contract of `spotting.method`, tested of every row of `METHODS`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotting import METHODS
from train.spotters import MODULES

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CLASSES = 9

methods = pytest.mark.parametrize("name", METHODS)


def small_network(name: str) -> Any:
    from detection.network_torch import Widths

    torch.manual_seed(3)
    reader = {"widths": (8, 12, 16, 20), "hidden": 8}
    options: dict[str, dict[str, Any]] = {
        "fots": {"widths": Widths((32, 64, 16, 32), 32, 16), "hidden": 8, "reader": reader},
        "stn-ocr": {"reader": reader, "localizer": {"widths": (4, 4, 8, 8, 8), "hidden": 8}},
    }
    return METHODS[name].torch.NETWORK(CLASSES, **options[name])


@methods
def test_rows_name_what_there_is(name: str) -> None:
    row = METHODS[name]
    assert callable(row.spotter) and row.name == name
    for part in ("NETWORK", "trunk", "head", "HEADS", "TRUNK", "HEAD"):
        assert hasattr(row.torch, part), part
    training = importlib.import_module(MODULES[name])
    assert all(hasattr(training, part) for part in ("RECIPE", "prepare", "exports", "make_loss"))
    assert set(MODULES) == set(METHODS)


@methods
def test_parts_of_the_reader_are_named_so(name: str) -> None:
    """The export tells by this whose weights are in which file."""
    network = small_network(name)
    names = {key for key in network.state_dict() if key.startswith("reader.")}
    assert names and {key.removeprefix("reader.") for key in names} == set(
        network.reader.state_dict()
    )


def trunk_and_head(name: str, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs of both networks, of a picture of this many times 32 pixels, or of so many where it has one size."""
    rng = np.random.default_rng(count)
    if name == "stn-ocr":
        image = rng.normal(size=(count, 3, 192, 192)).astype(np.float32)
        line = rng.normal(size=(count, 1, 32, 40 + 8 * count)).astype(np.float32)
        return {"image": image}, {"image": line}
    side = 32 * count
    image = rng.normal(size=(1, 3, side, 2 * side)).astype(np.float32)
    grid = rng.uniform(-1, 1, (count, 16, 8 + 2 * count, 2)).astype(np.float32)
    near = rng.uniform(0, 1, (1, 32, side // 2, side)).astype(np.float32)
    wide = rng.uniform(0, 1, (1, 64, side // 4, side // 2)).astype(np.float32)
    return {"image": image}, {"places": grid, "near": near, "wide": wide}


@methods
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporter warns about itself
def test_onnx_answers_as_torch_does_at_any_size(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from train.export.models import ExportOptions
    from train.export.onnx_file import write_float

    training = importlib.import_module(MODULES[name])
    _, *exports = training.exports(ExportOptions(tmp_path, 1, ""), METHODS[name])
    network = small_network(name).eval()
    for place, (export, part) in enumerate(zip(exports, ("trunk", "head"), strict=True)):
        deployed = getattr(METHODS[name].torch, part)(network).eval()
        path = tmp_path / f"{part}.onnx"
        example = trunk_and_head(name, 2)[place]
        write_float(deployed, example, path, outputs=export.outputs, axes=export.axes)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for count in (1, 3):
            feeds = trunk_and_head(name, count)[place]
            with torch.inference_mode():
                expected = deployed(*map(torch.from_numpy, feeds.values()))
            expected = expected if isinstance(expected, tuple) else (expected,)
            for a, b in zip(session.run(None, feeds), expected, strict=True):
                np.testing.assert_allclose(a, b.numpy(), atol=1e-4)
