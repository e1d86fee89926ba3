"""What a training starts from: the name of its network, weights of its own or of another's trunk."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file

from angle.model_torch import VGG16Angle
from ctpn.model_torch import VGG16CTPN
from train.loop import setup, setup_torch

pytestmark = pytest.mark.torch

NARROW = (4, 4, 6, 6, 8)


def arguments(run: Path, **given: object) -> Namespace:
    names = ("fonts", "corpus", "backgrounds", "eval_data", "init", "init_trunk", "time_budget")
    usual = dict.fromkeys(names) | {"run": run, "steps": 5, "resume": False}
    return Namespace(**(usual | given))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": None}, "give --time-budget, for example 40m, or --steps"),
        ({"corpus": Path("gone")}, "--corpus gone: there is no such folder"),
        ({"eval_data": Path("gone")}, "--eval-data gone"),
        ({"init": Path("weights/none.onnx")}, "--init weights/none.onnx: there is no such file"),
        ({"init_trunk": Path("none.onnx")}, "--init-trunk none.onnx"),
    ],
)
def test_what_a_run_lacks_is_said_at_once(
    given: dict[str, object], message: str, tmp_path: Path
) -> None:
    setup.check_arguments(arguments(tmp_path))
    with pytest.raises(ValueError, match=message):
        setup.check_arguments(arguments(tmp_path, **given))


@pytest.mark.parametrize(
    "file", ["best.safetensors", "last.safetensors", "db/checkpoint.safetensors", "backup/latest"]
)
def test_a_run_replaces_no_earlier_one(file: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text("{}")
    setup.check_arguments(arguments(tmp_path))
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(b"weights")
    with pytest.raises(ValueError, match=r"holds the weights of an earlier run.*--resume goes on"):
        setup.check_arguments(arguments(tmp_path))
    setup.check_arguments(arguments(tmp_path, resume=True))


def test_compressed_weights_start_a_run_by_their_plain_name(tmp_path: Path) -> None:
    (tmp_path / "a.onnx.xz").write_bytes(b"")
    setup.check_arguments(arguments(tmp_path, init=tmp_path / "a.onnx"))


def test_rnn_option_chooses_the_network_of_crnn() -> None:
    assert setup.with_rnn("crnn", "gru") == setup.with_rnn("crnn-gru", None) == "crnn-gru"
    assert setup.with_rnn("crnn-gru", "lstm") == setup.with_rnn("crnn", None) == "crnn"
    assert setup.with_rnn("densenet", None) == "densenet"
    with pytest.raises(ValueError, match="--rnn gru is for --arch crnn"):
        setup.with_rnn("densenet", "gru")


def test_weights_start_a_training_and_those_of_others_are_refused(tmp_path: Path) -> None:
    network = VGG16CTPN(NARROW, 9, 5)
    path = tmp_path / "ctpn.safetensors"
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path)
    again = setup_torch.load_initial_weights(VGG16CTPN(NARROW, 9, 5), path)
    assert torch.equal(again.state_dict()["fc.weight"], network.state_dict()["fc.weight"])
    # The angle model may start from the detector's trunk, and keeps its own head.
    angle = VGG16Angle(NARROW)
    head = angle.head.weight.detach().clone()
    setup_torch.load_initial_weights(angle, init_trunk=path)
    assert torch.equal(angle.head.weight, head)
    assert torch.equal(angle.trunk.conv5_3.weight, network.trunk.conv5_3.weight)
    with pytest.raises(ValueError, match="weights of another network"):
        setup_torch.load_initial_weights(VGG16Angle(NARROW), path)


def test_a_recognizer_with_further_parts_starts_from_one_without(tmp_path: Path) -> None:
    from recognition.network_torch import SmallCRNN
    from recognition.rare_torch import RARE

    sizes = {"widths": (8, 8, 12, 12), "hidden": 6}
    path, plain = tmp_path / "small.safetensors", SmallCRNN(7, **sizes)
    save_file(plain.state_dict(), path)
    network = setup_torch.load_initial_weights(RARE(7, 8, **sizes), init=path)
    lines = torch.randn(1, 1, 32, 64)
    torch.testing.assert_close(network.eval()(lines), plain.eval()(lines), atol=1e-4, rtol=0)
    trained = RARE(7, 8, **sizes)
    save_file(trained.state_dict(), path)
    network = setup_torch.load_initial_weights(RARE(7, 8, **sizes), init=path)
    torch.testing.assert_close(network.state_dict(), trained.state_dict())
    with pytest.raises(ValueError, match="another network"):
        setup_torch.load_initial_weights(SmallCRNN(7, **sizes), init=path)
