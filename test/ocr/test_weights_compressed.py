"""Weight files compressed with xz: read like the plain ones, also where others take arrays from them."""

from __future__ import annotations

import hashlib
import json
import lzma
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocr.models import build
from ocr.onnx_runtime import load_onnx
from ocr.weights import ModelRow, WeightsError, checked_path, read
from ocr.weights.file import plain, present, read_file

ARRAY = np.arange(4096, dtype=np.float32)


def _compressed(path: Path) -> Path:
    """Compress a file and delete it."""
    out = path.with_name(f"{path.name}.xz")
    out.write_bytes(lzma.compress(path.read_bytes()))
    path.unlink()
    return out


def _adder(path: Path, beside: str = "", config: str = "{}") -> Path:
    """A network that adds `ARRAY`, which may be in a file beside its own."""
    values = numpy_helper.from_array(ARRAY, "values")
    if beside:
        place = (path.with_name(beside)).read_bytes().find(values.raw_data)
        values.ClearField("raw_data")
        values.data_location = TensorProto.EXTERNAL
        for key, text in (("location", beside), ("offset", place), ("length", ARRAY.nbytes)):
            entry = values.external_data.add()
            entry.key, entry.value = key, str(text)
    ends = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4096]) for name in "xy")
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "values"], ["y"])], "adder", *([end] for end in ends), [values]
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"config": config})
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def sharing(tmp_path: Path) -> Path:
    """A network whose array is in another one's file, which is compressed."""
    whole = _adder(tmp_path / "whole.onnx")
    path = _adder(tmp_path / "part.onnx", whole.name)
    assert path.stat().st_size < ARRAY.nbytes / 4
    _compressed(whole)
    return path


def _row(path: Path) -> ModelRow:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ModelRow("small", "detector", "ctpn", path.name, digest)


def test_a_compressed_file_stands_in_for_a_plain_one(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"weights")
    assert present(path) == path and plain(path) == path
    other = _compressed(path)
    assert present(path) == other and plain(other) == path
    assert read_file(path) == read_file(other) == b"weights"
    path.write_bytes(b"newer")
    assert present(path) == path and read_file(path) == b"newer"


def test_the_manifest_names_and_checks_the_file_that_is_there(tmp_path: Path) -> None:
    path = _compressed(_adder(tmp_path / "a.onnx", config='{"factor": 2}'))
    row = _row(path)
    assert checked_path(row, tmp_path) == path
    assert read(row, tmp_path)[1] == lzma.decompress(path.read_bytes())
    entry = row._asdict()
    manifest = {"schema": 1, "models": [entry | {"package": "crnn", "task": "recognizer"}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(WeightsError, match=r"a\.onnx\.xz: its configuration does not fit"):
        build("small", "recognizer", folder=tmp_path)  # so it was opened
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"a\.onnx\.xz: SHA-256.*restore it with: git checkout"):
        read(row, tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
        lambda content: b"",
        lzma.decompress,
    ],
    ids=["a byte less", "half", "a bit", "empty", "plain"],
)
def test_damaged_compressed_files_are_weights_errors(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = _compressed(_adder(tmp_path / "a.onnx"))
    path.write_bytes(damage(path.read_bytes()))
    for run in (read_file, load_onnx):
        with pytest.raises(WeightsError, match=r"a\.onnx\.xz: expected a whole xz file, found \d+ bytes"):  # fmt: skip
            run(tmp_path / "a.onnx")
    with pytest.raises(WeightsError, match="expected a whole xz file"):
        read(_row(path), tmp_path)  # the manifest's sum was made from the damaged file


def test_arrays_come_out_of_compressed_files(sharing: Path) -> None:
    network, config = load_onnx(sharing, 1)
    assert config == {} and np.array_equal(network(ARRAY)[0], 2 * ARRAY)
    assert np.array_equal(load_onnx(_compressed(sharing), 1)[0](ARRAY)[0], 2 * ARRAY)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_children_open_compressed_files_again(sharing: Path) -> None:
    network, _ = load_onnx(sharing, 1)
    network(ARRAY)
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(network(ARRAY)[0], 2 * ARRAY) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_spawned_processes_open_compressed_files_again(sharing: Path) -> None:
    network, _ = load_onnx(sharing, 1)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        assert np.array_equal(pool.apply(network, (ARRAY,))[0], 2 * ARRAY)


def test_shared_files_that_are_cut_or_gone_are_weights_errors(sharing: Path) -> None:
    whole = sharing.with_name("whole.onnx.xz")
    content = lzma.decompress(whole.read_bytes())
    whole.write_bytes(lzma.compress(content[:-9000]))
    with pytest.raises(WeightsError, match=r"part\.onnx: ONNX Runtime cannot open it"):
        load_onnx(sharing, 1)
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(WeightsError, match=r"whole\.onnx\.xz: expected a whole xz file"):
        load_onnx(sharing, 1)
    whole.unlink()
    with pytest.raises(WeightsError, match=r"part\.onnx: ONNX Runtime cannot open it"):
        load_onnx(sharing, 1)
