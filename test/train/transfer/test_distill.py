"""Recognizers of the papers that learned with a teacher: attention through its classifier, one trunk for two, files."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from safetensors.torch import save_file
from torch import nn

from angle.model_torch import AngleNet
from crnn import Recognizer
from crnn.model_torch import (
    CRNN,
    SmallCRNN,
)
from ctpn.model_torch import CTPN
from ocr.models import build
from recognition import METHODS
from recognition.charset import Charset
from recognition.densenet_torch import DenseNetCTC
from recognition.resnet_attention_torch import ResNetAttention
from train.export import distilled_crnn, onnx_file
from train.export.models import EXPORTS, Export, ExportOptions
from train.loop.fit_torch import Loss
from train.loop.recipes import CrnnRecipe
from train.recognizer_torch import make_loss
from train.transfer import onnx_weights, quantized_weights
from train.transfer.distill_torch import DistilledStudent
from train.transfer.freeze_torch import TRUNK_LAYERS, freeze_trunk, load_and_freeze
from train.transfer.merge_student import merge

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),
]  # exporters warn of themselves

CLASSES = 9
WIDTHS = (8, 8, 12, 16)


def attending(classes: int = CLASSES) -> ResNetAttention:
    return ResNetAttention(classes, WIDTHS, 12)


def arrays(network: nn.Module) -> quantized_weights.Weights:
    return {name: value.numpy() for name, value in network.state_dict().items()}


def tensors(state: quantized_weights.Weights) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in state.items()}


def lines() -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    labels = torch.randint(1, CLASSES, (4, 3))
    values = torch.zeros(4, 1, 32, 64)
    for line, label in zip(values, labels, strict=True):
        for j in range(3):
            line[0, : 3 * int(label[j]), 4 + 16 * j : 12 + 16 * j] = 2
    aligned = torch.zeros(4, 16, dtype=torch.int64)
    aligned[:, [2, 6, 10]] = torch.tensor([1, 2, 3])
    return {
        "lines": values, "labels": labels, "aligned": aligned,
        "lengths": torch.full((4,), 3), "steps": torch.full((4,), 16),
    }  # fmt: skip


def descend(
    network: nn.Module, loss: Loss, batch: dict[str, torch.Tensor], progress: float, lr: float
) -> list[dict[str, float]]:
    """What 40 steps on one batch said, each before it was taken."""
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=lr)
    seen = []
    for _ in range(40):
        value, figures = loss(network.train(), batch, progress)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        seen.append(figures)
    return seen


# Attention through the classifier


def test_a_student_with_attention_ends_as_the_plain_network() -> None:
    torch.manual_seed(0)
    distilled = DistilledStudent(attending(), SmallCRNN(CLASSES)).eval()
    plain = attending().eval()
    plain.load_state_dict(tensors(merge(arrays(distilled))))
    images, labels = torch.randn(2, 1, 32, 64), torch.randint(1, CLASSES, (2, 5))
    with torch.inference_mode():
        torch.testing.assert_close(plain(images), distilled(images), atol=1e-5, rtol=1e-4)
        seen = distilled.joint_features(images)[1]
        ours, theirs = distilled.student.attention, plain.attention
        want = ours.teach(seen, labels)
        torch.testing.assert_close(theirs.teach(plain.features(images), labels), want)
        for a, b in zip(theirs(plain.features(images)), ours(seen), strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_the_classifier_is_there_once_and_a_copy_has_its_own() -> None:
    distilled = DistilledStudent(attending(), SmallCRNN(CLASSES))
    large = [n for n, p in distilled.named_parameters() if len(p) == CLASSES and p.ndim == 2]
    assert large == ["classify.weight"]
    average = copy.deepcopy(distilled)
    with torch.no_grad():
        average.classify.weight.zero_()
    assert distilled.classify.weight.any()
    assert not average.student.attention.embed(torch.arange(CLASSES)).any()


@pytest.mark.slow
def test_attention_of_a_student_learns_and_leaves_the_classifier_alone() -> None:
    torch.manual_seed(0)
    distilled, batch = DistilledStudent(attending(), SmallCRNN(CLASSES)), lines()
    attention = distilled.student.attention
    seen = distilled.joint_features(batch["lines"])[1]
    attention.loss(seen, batch["labels"], batch["lengths"]).backward()
    assert distilled.classify.weight.grad is None
    assert attention.embed.project.weight.grad.any() and attention.out.project.weight.grad.any()
    teacher = SmallCRNN(CLASSES).eval().requires_grad_(False)
    loss = make_loss(METHODS["resnet-attention"], CrnnRecipe(sampled=None), teacher)
    read = [figures["attention"] for figures in descend(distilled, loss, batch, 0.5, lr=3e-3)]
    assert read[-1] < 0.7 * read[0]


# One trunk for two


@pytest.fixture
def trained(tmp_path: Path) -> tuple[CRNN, Path]:
    torch.manual_seed(1)
    network = CRNN(CLASSES, WIDTHS, 12)
    with torch.no_grad():
        for _ in range(3):
            network.train()(torch.randn(2, 1, 32, 64) + 0.5)
    path = tmp_path / "crnn.safetensors"
    save_file(network.state_dict(), path)
    return network.eval(), path


@pytest.mark.slow
def test_kept_convolutions_stay_as_they_are(trained: tuple[CRNN, Path]) -> None:
    network, path = trained
    gru = CRNN(CLASSES, WIDTHS, 12, "gru")
    freeze_trunk(gru, path)
    distilled = DistilledStudent(gru, SmallCRNN(CLASSES)).train()
    batch = lines()
    loss = make_loss(METHODS["crnn-gru"], CrnnRecipe(sampled=None))
    seen = [figures["ctc"] for figures in descend(distilled, loss, batch, 1.0, lr=1e-2)]
    assert seen[-1] < 0.8 * seen[0]
    with torch.inference_mode():  # in training mode too: the statistics of the batch do not count
        torch.testing.assert_close(gru.maps(batch["lines"]), network.maps(batch["lines"]))
    for name, value in network.state_dict().items():
        if name.startswith(TRUNK_LAYERS):
            assert torch.equal(gru.state_dict()[name], value), name


def test_only_convolutions_of_such_a_network_can_be_kept(trained: tuple[CRNN, Path]) -> None:
    _, path = trained
    with pytest.raises(ValueError, match="--keep-trunk is for --arch crnn"):
        freeze_trunk(DenseNetCTC(CLASSES, 8, 2, 4, 8), path)
    with pytest.raises(ValueError, match="holds no convolutions of a CRNN"):
        freeze_trunk(CRNN(CLASSES, (8, 8, 12, 20), 12), path)


@pytest.mark.slow
def test_freezing_all_but_attention_keeps_other_weights(tmp_path: Path) -> None:
    torch.manual_seed(3)
    teacher = SmallCRNN(CLASSES).eval().requires_grad_(False)
    before, path = DistilledStudent(attending(), teacher), tmp_path / "whole.safetensors"
    with torch.no_grad():
        before.train().joint_features(
            lines()["lines"]
        )  # statistics that are not those of a new network
    # Weights of before attention knew how far things are: that begins from nothing.
    known = {n: v for n, v in before.state_dict().items() if not n.endswith("near.weight")}
    save_file(known, path)
    distilled, batch = DistilledStudent(attending(), SmallCRNN(CLASSES)), lines()
    load_and_freeze(distilled, path)
    row, recipe = METHODS["resnet-attention"], CrnnRecipe(sampled=None)
    loss = make_loss(row, recipe, teacher, attention_only=True)
    figures = descend(distilled, loss, batch, 0.0, lr=1e-2)
    assert figures[-1]["attention"] < 0.7 * figures[0]["attention"]
    assert figures[-1]["drift"] < 0.7 * figures[0]["drift"]
    with torch.inference_mode():
        torch.testing.assert_close(distilled(batch["lines"]), before.eval()(batch["lines"]))
    for name, value in before.state_dict().items():
        kept = not name.startswith("student.attention.")
        assert torch.equal(distilled.state_dict()[name], value) == kept, name
    with pytest.raises(ValueError, match=r"holds no weights of a run with --teacher"):
        load_and_freeze(DistilledStudent(attending(CLASSES + 1), SmallCRNN(CLASSES + 1)), path)


# Files


def narrow(arch: str, classes: int) -> nn.Module:
    if arch == "resnet-attention":
        return attending(classes)
    return CRNN(classes, WIDTHS, 12, "gru" if arch == "crnn-gru" else "lstm")


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Runs the command line on narrow distilled students; returns the folder of weights."""
    monkeypatch.setattr(
        distilled_crnn, "row_of", lambda arch: SimpleNamespace(make=partial(narrow, arch))
    )

    def inputs(_: ExportOptions) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(0)
        for width in (48, 96, 64):
            yield rng.normal(size=(2, 1, 32, width)).astype(np.float32)

    monkeypatch.setattr(distilled_crnn, "recognizer_inputs", inputs)

    def run(family: str, *students: DistilledStudent) -> Path:
        paths = []
        for number, distilled in enumerate(students):
            paths.append(tmp_path / f"{number}.safetensors")
            save_file(distilled.state_dict(), paths[-1])
        out = tmp_path / "weights"
        argv = ["export_crnn", family, *map(str, paths), "--out", str(out)]
        monkeypatch.setattr(sys, "argv", argv)
        distilled_crnn.main()
        return out

    return run


def distilled_student(arch: str) -> DistilledStudent:
    torch.manual_seed(3)
    classes = Charset.load().classes
    made = DistilledStudent(narrow(arch, classes), SmallCRNN(classes))
    with torch.no_grad():
        for _ in range(3):
            made.train()(torch.randn(2, 1, 32, 64) + 0.5)
    return made.eval()


def crops() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 255, (32, w, 3), np.uint8) for w in (20, 80, 200)]


@pytest.mark.slow
def test_two_recognizers_stand_on_one_trunk(export: Callable[..., Path]) -> None:
    first, second = distilled_student("crnn"), distilled_student("crnn-gru")
    convolutions = {
        n: v for n, v in first.student.state_dict().items() if n.startswith(TRUNK_LAYERS)
    }
    second.student.load_state_dict(second.student.state_dict() | convolutions)
    folder = export("crnn", first, second)
    names = {path.name for path in folder.iterdir()}
    assert names == {"crnn-trunk.onnx", "crnn-reference.onnx", "crnn-gru.onnx", "manifest.json"}
    values = np.random.default_rng(1).normal(size=(2, 1, 32, 64)).astype(np.float32)
    readers = [build(n, "recognizer", folder=folder) for n in ("reference", "crnn-gru")]
    assert readers[0].network._trunk is readers[1].network._trunk
    for reader, trained in zip(readers, (first, second), strict=True):
        with torch.inference_mode():
            want = torch.log_softmax(trained(torch.from_numpy(values)), 2).numpy()
        (got,) = reader.network(values)
        assert np.abs(got - want).max() < 0.1 * np.ptp(want)
        assert len(reader(crops())) == 3
    for name, trained in (("reference", first), ("gru", second)):
        state = quantized_weights.load(folder / f"crnn-{name}.onnx")
        again = narrow("crnn-gru" if name == "gru" else "crnn", Charset.load().classes)
        again.load_state_dict(tensors(state))
        for key, value in merge(arrays(trained)).items():
            if not key.endswith("num_batches_tracked"):
                assert np.abs(state[key] - value).max() <= np.abs(value).max() / 60 + 1e-3, key
        unmerged = onnx_weights.load(folder / f"crnn-{name}.onnx", merged=False)
        assert unmerged.keys() == trained.state_dict().keys()


@pytest.mark.slow
def test_networks_of_different_convolutions_share_no_trunk(export: Callable[..., Path]) -> None:
    other = distilled_student("crnn-gru")
    with torch.no_grad():
        other.student.conv3.weight += 0.1
    with pytest.raises(ValueError, match=r"convolutions differ by .* --keep-trunk"):
        export("crnn", distilled_student("crnn"), other)


@pytest.mark.slow
def test_one_file_is_decoded_by_ctc_and_by_attention(export: Callable[..., Path]) -> None:
    trained = distilled_student("resnet-attention")
    folder = export("resnet", trained)
    values = np.random.default_rng(1).normal(size=(2, 1, 32, 64)).astype(np.float32)
    readers = {
        decode: build("resnet-attention", "recognizer", folder=folder, options={"decode": decode})
        for decode in ("greedy", "attention")
    }
    labels, scores, places, ctc = readers["greedy"].network(values)
    with torch.inference_mode():
        want = torch.log_softmax(trained(torch.from_numpy(values)), 2).numpy()
    assert np.abs(ctc - want).max() < 0.1 * np.ptp(want)
    assert labels.shape == scores.shape == places.shape and len(labels) == 2
    assert labels.dtype == np.int64 and (places >= 0).all() and (places <= ctc.shape[1]).all()
    for reader in readers.values():
        assert len(reader(crops())) == 3
    state = quantized_weights.load(folder / "crnn-resnet-attention.onnx")
    attending(Charset.load().classes).load_state_dict(tensors(state))
    # The classifier's table is in the file once, not for each of three uses.
    assert (folder / "crnn-resnet-attention.onnx").stat().st_size < 1.4 * 192 * len(ctc[0, 0])


@pytest.mark.slow
def test_weights_without_a_teacher_are_refused(export: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="no weights of a run with --teacher"):
        export("crnn", narrow("crnn", Charset.load().classes))
    with pytest.raises(ValueError, match="holds no weights of resnet-attention"):
        export("resnet", distilled_student("crnn"))


def test_decode_option_chooses_ctc_or_attention() -> None:
    def network(values: np.ndarray) -> tuple[np.ndarray, ...]:
        n, steps = len(values), values.shape[3] // 4
        attention = np.tile(np.array([1, 0]), (n, 1))
        probabilities = np.full((n, steps, 3), -9.0, np.float32)
        probabilities[:, :, 0] = 0
        probabilities[:, 0] = (-9, -9, 0)
        return (
            attention,
            np.zeros((n, 2), np.float32),
            np.full((n, 2), 0.5, np.float32),
            probabilities,
        )

    def read(**more: str) -> str:
        return Recognizer(network, charset="ab", decoder="either", **more)(crops()[1:2])[0].text

    assert read(decode="attention") == "a"
    assert read(decode="greedy") == read() == "b"
    with pytest.raises(ValueError, match="need the probabilities of CTC"):
        read(decode="attention", allowed="b")
    with pytest.raises(ValueError, match="does not read by attention"):
        Recognizer(network, charset="ab", decode="attention")
    with pytest.raises(ValueError, match="need the probabilities of CTC"):
        Recognizer(network, charset="ab", decoder="attention", decode="beam")


# Small networks are kept once too


@pytest.mark.slow
@pytest.mark.parametrize("package", ["angle", "crnn", "ctpn"])
def test_small_networks_come_back_out_of_their_onnx(package: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    shape = {"angle": (2, 1, 64, 64), "crnn": (2, 1, 32, 64), "ctpn": (1, 3, 64, 64)}[package]
    network = {
        "angle": AngleNet, "ctpn": CTPN, "crnn": lambda: SmallCRNN(40, (8, 12, 16, 20), 10),
    }[package]()  # fmt: skip
    with torch.no_grad():
        for _ in range(3):
            network.train()(torch.randn(shape) + 0.5)
    trained = tmp_path / "trained.safetensors"
    save_file(network.state_dict(), trained)
    options = ExportOptions(trained, calibrate=0, data="")
    if package == "crnn":
        from crnn.model_torch import LogProbabilities

        axes = {"image": {0: "N", 3: "W"}, "log_probs": {0: "N", 1: "T"}}
        made = Export(network, LogProbabilities, ("log_probs",), axes, {}, iter, classifier=True)
    else:
        made = EXPORTS[package].make(options)
        made.trained.load_state_dict(network.state_dict())
    inputs = [np.random.default_rng(i).normal(size=shape).astype(np.float32) for i in range(2)]
    made = replace(made, inputs=lambda: iter(inputs))
    path = onnx_file.make(made, tmp_path, quantized=True)
    state = arrays(made.trained.eval())
    onnx_weights.write_parameter_map(path, state)
    back = quantized_weights.load(path)
    assert back.keys() == state.keys()
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            assert np.abs(back[name] - value).max() <= np.abs(value).max() / 150 + 1e-3, name
