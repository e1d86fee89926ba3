"""Networks of the papers that begin as the small ones, share a trunk, learn from a teacher, and are shipped once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from dataclasses import replace

from safetensors.torch import save_file
from torch import nn

from angle.model_torch import AngleNet, VGG16Angle
from crnn.model_torch import (
    CRNN,
    LogProbabilities,
    SmallCRNN,
)
from ctpn.model_torch import CTPN, VGG16CTPN
from ctpn.targets import assign
from ocr.models import build
from recognition.densenet_torch import DenseNetCTC
from train.export import onnx_file, vgg16
from train.export.compress import compress
from train.export.models import Export, ExportOptions
from train.loop import setup_torch
from train.loop.recipes import WARM_START_LR, CrnnRecipe, FitRecipe, VGG16Recipe
from train.loop.setup import TrainingOptions, build_schedule
from train.shared_vgg16_torch import Shared, make_loss
from train.transfer import onnx_weights, quantized_weights
from train.transfer.distill_torch import (
    DistilledStudent,
    feature_loss,
    load_teacher,
    select_informative_steps,
)
from train.transfer.merge_student import is_distilled, merge
from train.transfer.net2net_torch import widen

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),
]  # exporters warn of themselves

NARROW = (8, 8, 12, 12, 16)


def seasoned(network: nn.Module, *shape: int) -> nn.Module:
    """Let batch norms see something, so that folding them is not trivial."""
    with torch.no_grad():
        for _ in range(3):
            network.train()(torch.randn(shape) + 0.5)
    return network.eval()


@pytest.fixture(scope="module")
def small() -> tuple[CTPN, AngleNet]:
    torch.manual_seed(0)
    pair = seasoned(CTPN(), 2, 3, 64, 64), seasoned(AngleNet(), 4, 1, 64, 64)
    for network in pair:  # as trained: biases that are not zero
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.bias, std=0.2)
    return pair


@pytest.fixture(scope="module")
def widened(small: tuple[CTPN, AngleNet]) -> tuple[VGG16CTPN, VGG16Angle]:
    return widen(*small, torch.randn(2, 3, 64, 64))


def test_widened_network_contains_both_small_ones(
    small: tuple[CTPN, AngleNet], widened: tuple[VGG16CTPN, VGG16Angle]
) -> None:
    (detector, angle), (grown, turns) = small, widened
    assert turns.trunk is grown.trunk and not grown.trunk.normalized
    x = torch.randn(1, 3, 48, 64)
    with torch.no_grad():
        # The first layer of each is there, at twice the resolution: every other value is theirs.
        first = torch.relu(grown.trunk.conv1_1(x))[:, :, ::2, ::2]
        torch.testing.assert_close(first[:, :32], detector.trunk[0](x), atol=1e-4, rtol=1e-4)
        grey = x.mean(1, keepdim=True)
        again = torch.relu(grown.trunk.conv1_1(grey.expand(-1, 3, -1, -1)))[:, 32:48, ::2, ::2]
        torch.testing.assert_close(again, angle.features[:3](grey), atol=1e-4, rtol=1e-4)


def test_channels_of_small_networks_take_no_input_from_others(
    widened: tuple[VGG16CTPN, VGG16Angle],
) -> None:
    grown, _ = widened
    # Channels of the detector and of the angle model in conv4_3, and what the next two layers make of them.
    sources = 256, 96
    for name, (ours, theirs) in {"5_1": (256, 96), "5_2": (128, 96)}.items():
        weight = getattr(grown.trunk, f"conv{name}").weight
        assert not weight[:ours, sources[0] :].any()
        assert not weight[ours : ours + theirs, : sources[0]].any()
        assert not weight[ours : ours + theirs, sum(sources) :].any()
        assert weight[ours + theirs :, : sum(sources)].any()  # the rest may read both


def test_heads_of_the_widened_network_equal_the_small_detector_s(
    small: tuple[CTPN, AngleNet],
) -> None:
    detector, angle = small
    for head in (detector.score, detector.delta, detector.side):
        nn.init.normal_(head.weight, std=0.3)
    grown, _ = widen(detector, angle, torch.randn(2, 3, 64, 64))
    with torch.no_grad():
        images = torch.randn(1, 3, 64, 96)
        context = 0.2 * detector.context(images)  # small values pass an open LSTM unit unbent
        wide = torch.zeros(1, 512, *context.shape[2:])
        wide[:, : context.shape[1]] = context
        passed = torch.relu(grown.conv(wide))[:, :128]
        torch.testing.assert_close(passed, context)
        wide = torch.cat([passed, torch.zeros(1, 384, *context.shape[2:])], dim=1)
        got = grown.answers(wide)
        detector.context = lambda _: context  # type: ignore[method-assign]
        try:
            want = detector(images)
        finally:
            del detector.context
    for a, b in zip(got, want, strict=True):
        assert np.corrcoef(a.numpy().ravel(), b.numpy().ravel())[0, 1] > 0.97


def batch() -> dict[str, Any]:
    images = np.full((2, 64, 64, 3), 255, np.uint8)
    images[:, 20:38, 8:50] = 0
    quad = np.array([[[8, 20], [50, 20], [50, 38], [8, 38]]], np.float32)
    truth = [assign(quad, np.zeros(1, np.bool_), (64, 64))] * 2
    names = ("labels", "deltas", "sides", "side_mask")
    out = {n: torch.from_numpy(np.stack([getattr(t, n) for t in truth])) for n in names}
    patches = 0.3 * torch.randn(3, 1, 32, 32)
    patches[:, :, :8] += 2
    known = torch.tensor([True, True, False])
    return out | {"images": torch.from_numpy(images), "patches": patches, "known": known}


def narrow() -> Shared:
    torch.manual_seed(1)
    return Shared(VGG16CTPN(NARROW, 16, 8, normalized=False), VGG16Angle(NARROW, normalized=False))


@pytest.mark.slow
def test_both_losses_fall_and_both_reach_the_trunk() -> None:
    shared, data = narrow(), batch()
    loss = make_loss(VGG16Recipe(), None)
    optimizer = torch.optim.AdamW([p for p in shared.parameters() if p.requires_grad], lr=3e-3)
    seen = []
    for _ in range(40):
        torch.manual_seed(0)
        value, figures = loss(shared.train(), data, 1.0)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        seen.append(figures)
    assert seen[-1]["angle_loss"] < 0.9 * seen[0]["angle_loss"]
    detection = [f["score"] + f["vertical"] + f["side"] for f in seen]
    assert detection[-1] < 0.7 * detection[0]
    shared.zero_grad()
    shared.turns(data["patches"]).square().sum().backward()
    assert shared.detector.trunk.conv1_1.weight.grad.abs().sum() > 0
    assert shared.detector.lstm.weight_ih_l0.grad is None


def test_the_teacher_is_followed_for_the_first_part_alone() -> None:
    shared, data = narrow(), batch()
    teacher = CTPN(widths=(4, 4, 6, 6), features=8, hidden=4).eval().requires_grad_(False)
    loss = make_loss(VGG16Recipe(), teacher)
    assert "teacher" in loss(shared, data, 0.1)[1]
    assert "teacher" not in loss(shared, data, 0.9)[1]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Shared]:
    """Three files of narrow networks, as the command writes them."""
    shared = narrow().eval()
    run = tmp_path / "run"
    run.mkdir()
    save_file(shared.state_dict(), run / "last.safetensors")
    (run / "config.json").write_text('{"temperature": 2.5}')
    monkeypatch.setattr(
        vgg16,
        "VGG16CTPN",
        lambda normalized: VGG16CTPN(NARROW, 16, 8, normalized=normalized),
    )
    monkeypatch.setattr(
        vgg16, "VGG16Angle", lambda normalized: VGG16Angle(NARROW, normalized=normalized)
    )

    def inputs(_: ExportOptions) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(0)
        for _ in range(3):
            yield rng.normal(size=(1, 3, 48, 64)).astype(np.float32)
            yield rng.normal(size=(4, 3, 64, 64)).astype(np.float32)

    monkeypatch.setattr(vgg16, "inputs", inputs)
    out = tmp_path / "weights"
    argv = ["export_vgg16", str(run / "last.safetensors"), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", argv)
    vgg16.main()
    return out, shared


@pytest.mark.slow
def test_three_files_read_a_page_and_share_their_trunk(shipped: tuple[Path, Shared]) -> None:
    folder, shared = shipped
    names = {p.name for p in folder.iterdir()}
    assert names == {f"{n}-reference.onnx" for n in ("vgg16", "ctpn", "angle")} | {"manifest.json"}
    detector = build("reference", "detector", folder=folder)
    page = np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8)
    quads, _ = detector(page)
    assert quads.shape[1:] == (4, 2)
    classifier = build("reference", "angle", folder=folder)
    assert 0 <= classifier(page)[1] <= 1
    grey = np.random.default_rng(1).normal(size=(4, 1, 64, 64)).astype(np.float32)
    with torch.inference_mode():
        want = shared.turns(torch.from_numpy(grey)).numpy()
    (got,) = classifier._network(grey)
    np.testing.assert_allclose(got, want, atol=0.1 * np.abs(want).max() + 0.05)

    trunk = folder / "vgg16-reference.onnx"
    compress(trunk)
    trunk.unlink()
    np.testing.assert_array_equal(build("reference", "detector", folder=folder)(page)[0], quads)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "compressed"), [("ctpn", False), ("angle", True)])
def test_training_starts_again_from_the_shipped_files(
    name: str, compressed: bool, shipped: tuple[Path, Shared]
) -> None:
    folder, shared = shipped
    if compressed:
        for path in (folder / "vgg16-reference.onnx", folder / f"{name}-reference.onnx"):
            compress(path)
            path.unlink()
    model = (
        VGG16CTPN(NARROW, 16, 8) if name == "ctpn" else VGG16Angle(NARROW)
    )  # with batch norm, as the training makes it
    model = setup_torch.load_initial_weights(model, folder / f"{name}-reference.onnx")
    assert not model.trunk.normalized and model.training
    want = shared.detector.state_dict() if name == "ctpn" else shared.angle().state_dict()
    got = model.state_dict()
    assert got.keys() == want.keys()
    for key, value in want.items():
        near = float(value.abs().max()) / 100 + 0.01  # a step of int8
        assert (got[key] - value).abs().max() <= near, key
    assert all(p.requires_grad for n, p in model.named_parameters() if "bias_hh" not in n)


def recognizer(arch: str) -> nn.Module:
    if arch == "densenet":
        return DenseNetCTC(300, 16, 3, 8, 24)
    return CRNN(300, (16, 24, 32, 48), hidden=40, rnn="gru" if arch == "gru" else "lstm")


def exported(network: nn.Module, folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """An int8 file of a recognizer, and its weights."""
    batches = [np.random.default_rng(i).normal(size=(2, 1, 32, 96)) for i in range(3)]
    axes = {"image": {0: "N", 3: "W"}, "log_probs": {0: "N", 1: "T"}}
    export = Export(
        network, LogProbabilities, ("log_probs",), axes, {"charset": "ab"},
        lambda: iter([b.astype(np.float32) for b in batches]), classifier=True,
    )  # fmt: skip
    path = onnx_file.make(export, folder, quantized=True)
    state = {k: v.numpy() for k, v in network.eval().state_dict().items()}
    onnx_weights.quantize_large(path)
    return path, state


@pytest.mark.slow
@pytest.mark.parametrize("taught", [False, True])
@pytest.mark.parametrize("arch", ["lstm", "gru", "densenet"])
def test_a_recognizer_comes_back_out_of_its_onnx(arch: str, taught: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = recognizer(arch)
    if taught:
        network = DistilledStudent(network, SmallCRNN(300))
    path, state = exported(seasoned(network, 2, 1, 32, 64), tmp_path)
    onnx_weights.write_parameter_map(path, state)
    back = quantized_weights.load(path)
    plain = merge(state) if taught else state
    assert not is_distilled(back)
    assert back.keys() == plain.keys()
    for name, value in plain.items():
        if name.endswith("num_batches_tracked"):
            continue
        assert back[name].shape == value.shape
        # Half a step of seven bits; two layers that became one are off by both.
        steps = 50 if taught and "classify" in name else 120
        assert np.abs(back[name] - value).max() <= np.abs(value).max() / steps + 1e-3, name
    found = onnx.load(str(path))
    assert {p.key for p in found.metadata_props} >= {"config", onnx_weights.KEY}
    recognizer(arch).load_state_dict({k: torch.from_numpy(np.asarray(v)) for k, v in back.items()})


def test_weights_of_another_network_are_not_in_a_file(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3))
    path = tmp_path / "a.onnx"
    axes = {"image": {0: "N"}, "y": {0: "N"}}
    image = np.zeros((1, 1, 8, 8), np.float32)
    onnx_file.write_float(network, image, path, outputs=("y",), axes=axes)
    with pytest.raises(ValueError, match="does not say where its trained weights are"):
        quantized_weights.load(path)
    with pytest.raises(ValueError, match="0.weight .* is not in the exported file"):
        onnx_weights.write_parameter_map(path, {"0.weight": np.ones((4, 1, 3, 3), np.float32)})


def test_a_student_ends_as_the_plain_network() -> None:
    torch.manual_seed(0)
    teacher, student = SmallCRNN(50).eval(), CRNN(50, (8, 8, 12, 16), hidden=10)
    distilled = DistilledStudent(student, teacher)
    lines = torch.randn(2, 1, 32, 64)
    with torch.inference_mode():
        want = distilled.eval()(lines)
    plain = CRNN(50, (8, 8, 12, 16), hidden=10)
    weights = merge({k: v.numpy() for k, v in distilled.state_dict().items()})
    plain.load_state_dict({k: torch.from_numpy(np.asarray(v)) for k, v in weights.items()})
    with torch.inference_mode():
        torch.testing.assert_close(plain.eval()(lines), want, atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="no weights of a run with --teacher"):
        merge({"conv1.weight": np.zeros(3)})


def test_features_are_compared_inside_the_lines_alone() -> None:
    taught = torch.randn(2, 10, 6)
    steps = torch.tensor([10, 4])
    near = taught.clone()
    near[1, 4:] = 99  # padding
    assert feature_loss(near, taught, steps) == 0
    mean = taught[torch.tensor([[True] * 10, [True] * 4 + [False] * 6])].mean(0)
    guess = feature_loss(mean.expand_as(taught), taught, steps)
    torch.testing.assert_close(guess, torch.tensor(1.0))  # knows no more than the mean


def test_informative_steps_are_those_that_are_no_blank() -> None:
    classify = torch.nn.Linear(3, 5)
    with torch.no_grad():
        classify.weight[0] = torch.tensor([1.0, 0, 0])
    features = torch.tensor([[[5.0, 1, 2], [0, 3, 4], [1, 5, 6], [2, 7, 8]]])
    told = select_informative_steps(features, classify, 2)
    assert told.tolist() == [[[0, 3, 4], [1, 5, 6]]]
    assert select_informative_steps(features, classify, 1) is features


@pytest.mark.parametrize(
    "student",
    [
        lambda: CRNN(9, (8, 8, 12, 16), hidden=12),
        lambda: DenseNetCTC(9, 8, 3, 4, 12, dropout=0.0),
    ],
)
@pytest.mark.slow
def test_a_student_learns_from_its_teacher(
    tmp_path: Path, student: Callable[[], torch.nn.Module]
) -> None:
    from recognition import METHODS
    from train.recognizer_torch import make_loss as line_loss

    torch.manual_seed(0)
    save_file(SmallCRNN(9).state_dict(), tmp_path / "t.safetensors")
    teacher = load_teacher(tmp_path / "t.safetensors")
    distilled = DistilledStudent(student(), teacher)
    data = {
        "lines": torch.randn(3, 1, 32, 64),
        "labels": torch.tensor([[1, 2, 3]] * 3),
        "lengths": torch.tensor([3, 3, 3]),
        "steps": torch.tensor([16, 16, 12]),
        "aligned": torch.full((3, 16), -1),
    }
    loss = line_loss(METHODS["crnn"], CrnnRecipe(), teacher)
    before = distilled.classify.weight.clone()
    optimizer = torch.optim.AdamW([p for p in distilled.parameters() if p.requires_grad], lr=5e-3)
    taught = []
    for _ in range(30):
        value, figures = loss(distilled.train(), data, 0.0)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        taught.append(figures["teacher"])
    assert taught[-1] < 0.7 * taught[0]
    assert distilled.classify.weight.grad is None  # the teacher's, until CTC joins
    value, _ = loss(distilled, data, 0.9)
    value.backward()
    assert distilled.classify.weight.grad.abs().sum() > 0
    torch.testing.assert_close(distilled.classify.weight, before, atol=1e-1, rtol=0)
    with pytest.raises(ValueError, match="no weights of the small recognizer"):
        save_file({"classify.bias": torch.zeros(4)}, tmp_path / "x.safetensors")
        load_teacher(tmp_path / "x.safetensors")


def test_a_vgg16_that_begins_from_weights_moves_slowly() -> None:
    def rate(**more: Any) -> float:
        options = TrainingOptions(run=Path("run"), arch="reference", steps=50)
        return build_schedule(replace(options, **more), FitRecipe(lr=2e-3)).lr

    assert rate() == 2e-3
    assert rate(init=Path("a.onnx")) == rate(init_trunk=Path("a.onnx")) == WARM_START_LR
    assert rate(init=Path("a.onnx"), lr=0.5) == 0.5
    assert rate(init=Path("a.safetensors"), arch="small") == 2e-3
