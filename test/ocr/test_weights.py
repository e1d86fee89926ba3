"""Manifest, checksums, ONNX sessions: what loads is what was shipped; errors say what to do."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import ocr
import recognition
from detection import METHODS
from ocr.models import build
from ocr.onnx_runtime import available_cores, load_onnx
from ocr.weights import WEIGHTS, ModelRow, WeightsError, checked_path, find, models
from ocr.weights.__main__ import main as weights_command
from ocr.weights.untrained import check_name

ROW = {"name": "small", "task": "detector", "package": "ctpn", "file": "a.onnx", "bytes": 3}


def _write_manifest(folder: Path, *rows: dict[str, Any], schema: int = 1) -> None:
    content = {"schema": schema, "models": list(rows)}
    (folder / "manifest.json").write_text(json.dumps(content), "utf-8")


def _write_doubler(path: Path, config: str | None = '{"factor": 2}') -> Path:
    """A network that doubles arrays of any size, and tells its configuration."""
    shape = ["n", "c", "h", "w"]
    graph = helper.make_graph(
        [helper.make_node("Add", ["images", "images"], ["doubled"])],
        "doubler",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("doubled", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if config is not None:
        helper.set_model_props(model, {"config": config})
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def doubler(tmp_path: Path) -> Path:
    return _write_doubler(tmp_path / "doubler.onnx")


def test_manifest_rows_are_read(tmp_path: Path) -> None:
    _write_manifest(tmp_path, ROW | {"sha256": "00", "license": "x", "more": 1})
    assert models(tmp_path) == [ModelRow("small", "detector", "ctpn", "a.onnx", "00", 3)]
    assert find("small", "detector", tmp_path).package == "ctpn"


def test_unknown_names_list_the_known_ones(tmp_path: Path) -> None:
    rows = [ROW | {"name": name, "sha256": ""} for name in ("small", "reference")]
    _write_manifest(tmp_path, *rows)
    with pytest.raises(ValueError, match="no detector model is named 'big'.*reference, small"):
        find("big", "detector", tmp_path)
    with pytest.raises(ValueError, match="there are: none"):
        find("small", "angle", tmp_path)


def test_methods_without_weights_say_how_to_train_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "fresh", METHODS["db"]._replace(name="new"))
    rare = recognition.METHODS["rare"]._replace(name="unread")
    monkeypatch.setitem(recognition.METHODS, "rarer", rare)
    with pytest.raises(
        ValueError, match="'new'.* there are: .*--method fresh .*train.export fresh"
    ):
        ocr.load(detector="new")
    with pytest.raises(ValueError, match="'unread'.*recognizer_torch --method rarer --init"):
        ocr.load(recognizer="unread")
    with pytest.raises(ValueError, match="no detector model is named 'nobody'") as caught:
        ocr.load(detector="nobody")
    assert "train" not in str(caught.value)


def test_a_name_is_checked_for_the_tasks_of_the_chain_alone() -> None:
    check_name("small")
    with pytest.raises(ValueError, match="'crnn-gru'.*and recognizer have: reference, small"):
        check_name("crnn-gru")
    check_name("crnn-gru", ["recognizer"])
    with pytest.raises(ValueError, match="no angle model is named 'db'.*have: reference, small"):
        ocr.load("db")


def test_weights_of_an_unknown_task_are_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        weights_command(["path", "crnn"])
    assert exit_.value.code == 2
    assert "no model has the task 'crnn'; tasks are: angle, detector" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1, "models": [{}]}', "\xff"])
def test_damaged_manifest_is_a_weights_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(WeightsError, match="git checkout"):
        models(tmp_path)


def test_missing_and_newer_manifests_are_weights_errors(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="missing"):
        models(tmp_path)
    _write_manifest(tmp_path, schema=2)
    with pytest.raises(WeightsError, match="schema 2, expected 1"):
        models(tmp_path)


def test_file_with_another_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"weights")
    row = ModelRow("small", "angle", "angle", "a.onnx", hashlib.sha256(b"weights").hexdigest())
    assert checked_path(row, tmp_path) == path
    path.write_bytes(b"Weights")
    with pytest.raises(WeightsError, match="SHA-256"):
        checked_path(row, tmp_path)
    path.unlink()
    with pytest.raises(WeightsError, match=r"a\.onnx.*No such file"):
        checked_path(row, tmp_path)


def test_network_takes_any_size_and_knows_its_config(doubler: Path) -> None:
    network, config = load_onnx(doubler, threads=1)
    assert config == {"factor": 2}
    for shape in ((1, 1, 1, 1), (2, 3, 32, 48), (1, 3, 16, 16), (0, 3, 4, 4)):
        images = np.ones(shape, np.float32)
        (doubled,) = network(images)
        assert np.array_equal(doubled, images * 2)


def test_threads_of_a_network_that_is_done_leave_the_cores_alone() -> None:
    network, _ = load_onnx(WEIGHTS / "crnn-small.onnx", threads=2)
    busy = []
    for _ in range(5):
        network(np.zeros((4, 1, 32, 512), np.float32))
        begun = time.process_time()
        time.sleep(0.05)
        busy.append(time.process_time() - begun)
    assert min(busy) < 0.005  # left to itself, ONNX Runtime keeps a core for more than 0.03


def test_threads_share_a_network(doubler: Path) -> None:
    network, _ = load_onnx(doubler, threads=2)
    wrong = []

    def work(value: int) -> None:
        for size in range(1, 60):
            (doubled,) = network(np.full((1, 1, size, value), value, np.float32))
            if doubled.shape != (1, 1, size, value) or not (doubled == 2 * value).all():
                wrong.append((size, value))

    threads = [threading.Thread(target=work, args=(value,)) for value in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("config", [None, "", "no json", "5"])
def test_network_without_configuration_has_an_empty_one(tmp_path: Path, config: str | None) -> None:
    with pytest.raises(WeightsError, match="export it again"):
        load_onnx(_write_doubler(tmp_path / "a.onnx", config))


def test_file_that_is_no_onnx_is_a_weights_error(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(WeightsError, match=r"a\.onnx"):
        load_onnx(path)
    with pytest.raises(WeightsError):
        load_onnx(tmp_path / "missing.onnx")


def test_wrong_threads_and_devices_are_refused(doubler: Path) -> None:
    with pytest.raises(ValueError, match="threads is 0"):
        load_onnx(doubler, threads=0)
    with pytest.raises(ValueError, match="'tpu'.*cpu, cuda"):
        load_onnx(doubler, device="tpu")


def test_cores_are_those_this_process_may_use() -> None:
    assert available_cores() >= 1


def test_build_reports_a_config_that_does_not_fit(tmp_path: Path) -> None:
    path = _write_doubler(tmp_path / "a.onnx", '{"no_such_option": 1}')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    _write_manifest(tmp_path, ROW | {"sha256": digest})
    with pytest.raises(WeightsError, match="no_such_option"):
        build("small", "detector", folder=tmp_path)


def test_build_makes_the_class_of_the_package(tmp_path: Path) -> None:
    path = _write_doubler(tmp_path / "a.onnx", '{"charset": "ab"}')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    row = ROW | {"task": "recognizer", "package": "crnn", "sha256": digest}
    _write_manifest(tmp_path, row)
    assert type(build("small", "recognizer", folder=tmp_path)).__name__ == "Recognizer"


def test_onnx_files_are_checked_by_onnx(doubler: Path) -> None:
    onnx.checker.check_model(onnx.load(doubler))


def test_shipped_models_load() -> None:
    assert isinstance(ocr.load(threads=1), ocr.Reader)


def test_shipped_manifest_is_complete() -> None:
    folder = Path(__file__).resolve().parents[2] / "weights"
    rows = json.loads((folder / "manifest.json").read_text("utf-8"))["models"]
    assert {row["task"] for row in rows if row["name"] == "small"} == {
        "angle",
        "detector",
        "recognizer",
        "scene",
    }
    for row in rows:
        path = folder / row["file"]
        assert path.stat().st_size == row["bytes"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
        assert row["license"]
        assert row["data"]
        assert row["figures"]
