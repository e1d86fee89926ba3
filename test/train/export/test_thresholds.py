"""Thresholds that are fitted find what is there, are never worse than before, and come back out of a file."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from common.arrays import Floats
from detection.db import DB
from train.detector_torch import EvaluationPage
from train.export.onnx_file import reconfigure
from train.export.thresholds import GRID, Remembering, fit, worth_on

QUADS = np.array([[[32, 40], [288, 40], [288, 72], [32, 72]], [[32, 160], [224, 160], [224, 192], [32, 192]]],
                 np.float32)  # fmt: skip


def unsure(image: Floats) -> list[Floats]:
    """A network that gives text .35 and one wrong place .22."""
    method = DB()
    size = image.shape[2], image.shape[3]
    text = method.maps_of(method.targets(QUADS, np.zeros(2, np.bool_), size))
    wrong = method.targets(QUADS[:1] + np.float32([0, 60]), np.zeros(1, np.bool_), size)
    weak = method.maps_of(wrong)
    both = {name: np.maximum(0.35 * text[name], 0.22 * weak[name]) for name in text}
    return [both[name][None].astype(np.float32) for name in method.outputs]


def page() -> EvaluationPage:
    return EvaluationPage(
        "rendered", np.full((256, 320, 3), 255, np.uint8), QUADS, np.zeros(2, np.bool_)
    )


def test_thresholds_come_to_lie_between_text_and_what_is_none() -> None:
    method = DB(cell_threshold=0.5, line_threshold=0.6)
    worth = worth_on(unsure, method, [page()])
    start = {"cell_threshold": 0.5, "line_threshold": 0.6}
    assert worth(start) == 0
    fitted = fit(method.fitted, start, worth)
    assert worth(fitted) > 0.9
    assert max(fitted.values()) > 0.22 and fitted["cell_threshold"] <= 0.35


def test_settings_that_are_best_stay() -> None:
    def worth(settings: Mapping[str, float]) -> float:
        return 1 - abs(settings["a"] - 0.43) - abs(settings["b"] - 0.57)

    assert fit(("a", "b"), {"a": 0.43, "b": 0.57}, worth) == {"a": 0.43, "b": 0.57}
    assert fit(("a", "b"), {"a": 0.9, "b": 0.9}, worth) == {"a": 0.45, "b": 0.55}
    assert all(0 < value < 1 for value in GRID)


def test_a_picture_is_seen_once() -> None:
    seen = []

    def network(image: Floats) -> list[Floats]:
        seen.append(image.sum())
        return [image]

    known = Remembering(network)
    one, other = np.ones((1, 3, 4, 4), np.float32), np.zeros((1, 3, 4, 4), np.float32)
    for image in (one, other, one.copy()):
        np.testing.assert_array_equal(known(image)[0], image)
    assert len(seen) == 2


def test_a_file_keeps_the_arrays_that_it_shares(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32)
    (tmp_path / "other.bin").write_bytes(values.tobytes())
    shared = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[6])
    shared.data_location = TensorProto.EXTERNAL
    shared.external_data.add(key="location", value="other.bin")
    maps = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [6]) for name in ("x", "y")]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])], "g", maps[:1], maps[1:], [shared]
    )
    model = helper.make_model(graph)
    helper.set_model_props(model, {"config": json.dumps({"min_height": 5}), "parameters": "{}"})
    source, out = tmp_path / "a.onnx", tmp_path / "b.onnx"
    source.write_bytes(model.SerializeToString())
    rows = [{"file": "b.onnx", "sha256": "0", "bytes": 0}, {"file": "c.onnx", "sha256": "1"}]
    (tmp_path / "manifest.json").write_text(json.dumps({"models": rows}))
    reconfigure(source, out, {"line_threshold": 0.3})
    written = onnx.load(str(out), load_external_data=False)
    assert written.graph.initializer[0].external_data[0].value == "other.bin"
    kept = {p.key: p.value for p in written.metadata_props}
    assert json.loads(kept["config"]) == {"min_height": 5, "line_threshold": 0.3}
    listed = json.loads((tmp_path / "manifest.json").read_text())["models"]
    content = out.read_bytes()
    assert listed[0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert listed[0]["bytes"] == len(content) and listed[1] == rows[1]


@pytest.mark.parametrize("names", [("a",), ("a", "b")])
def test_what_finds_nothing_is_left_alone(names: tuple[str, ...]) -> None:
    start = dict.fromkeys(names, 0.5)
    assert fit(names, start, lambda _: 0.0) == start
