"""A few steps of PyTorch's trainings lower the loss of every reference network; targets of wide steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from angle.model_torch import VGG16Angle
from crnn.model_torch import CRNN, BaseCRNN
from ctpn.model_torch import VGG16CTPN
from ctpn.targets import assign
from detection import METHODS
from recognition import METHODS as RECOGNIZERS
from recognition.ctc_loss_torch import IGNORE, Targets, coarser
from recognition.densenet_torch import DenseNetCTC
from recognition.resnet_attention_torch import ResNetAttention
from train import angle_torch, detector_torch, recognizer_torch
from train.loop import setup, setup_torch
from train.loop.fit_torch import Loss
from train.loop.recipes import AngleRecipe, CrnnRecipe

pytestmark = pytest.mark.torch

NARROW = (4, 4, 6, 6, 8)
CLASSES = 9
Batch = dict[str, torch.Tensor]


def descend(network: torch.nn.Module, loss: Loss, batch: Batch, steps: int = 12) -> list[float]:
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=0.01)
    losses = []
    for _ in range(steps):
        value, figures = loss(network.train(), batch, 1.0)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
        assert np.isfinite(list(figures.values())).all()
    return losses


def test_angle_learns() -> None:
    torch.manual_seed(0)
    values = 0.3 * torch.randn(4, 1, 32, 32)
    values[:, :, :8] += 2
    batch = {"patches": values, "known": torch.tensor([True, True, True, False])}
    loss = angle_torch.make_loss(AngleRecipe(inverted=0.0))
    losses = descend(VGG16Angle(NARROW), loss, batch)
    assert losses[-1] < 0.8 * losses[0]


def test_detector_learns() -> None:
    torch.manual_seed(0)
    images = np.full((2, 64, 64, 3), 255, np.uint8)
    images[:, 20:38, 8:50] = 0
    quad = np.array([[[8, 20], [50, 20], [50, 38], [8, 38]]], np.float32)
    truth = [assign(quad, np.zeros(1, np.bool_), (64, 64))] * 2
    names = ("labels", "deltas", "sides", "side_mask")
    batch = {n: torch.from_numpy(np.stack([getattr(t, n) for t in truth])) for n in names}
    batch["images"] = torch.from_numpy(images)
    loss = detector_torch.make_loss(METHODS["ctpn-reference"])
    losses = descend(VGG16CTPN(NARROW, 9, 5), loss, batch)
    assert losses[-1] < 0.8 * losses[0]


def lines() -> Batch:
    values = torch.zeros(4, 1, 32, 64)
    labels = torch.randint(1, CLASSES, (4, 3), generator=torch.Generator().manual_seed(2))
    aligned = torch.zeros(4, 16, dtype=torch.int64)
    for line, label in zip(values, labels, strict=True):
        for j in range(3):
            line[0, : 3 * int(label[j]), 4 + 16 * j : 12 + 16 * j] = 2
    aligned[:, [2, 6, 10]] = torch.tensor([1, 2, 3])
    lengths, steps = torch.full((4,), 3), torch.full((4,), 16)
    return {
        "lines": values,
        "labels": labels,
        "lengths": lengths,
        "steps": steps,
        "aligned": aligned,
    }


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("crnn-reference", lambda: CRNN(CLASSES, (4, 6, 8, 10), 8)),
        ("crnn-gru", lambda: CRNN(CLASSES, (4, 6, 8, 10), 8, "gru")),
        ("densenet", lambda: DenseNetCTC(CLASSES, 6, 2, 4, 8)),
        ("resnet-attention", lambda: ResNetAttention(CLASSES, (4, 6, 8, 10), 8)),
        ("crnn-base", lambda: BaseCRNN(CLASSES, (4, 6, 8, 10), 8)),
    ],
)
def test_recognizers_learn(name: str, make: Callable[[], torch.nn.Module]) -> None:
    torch.manual_seed(0)
    network = make()
    loss = recognizer_torch.make_loss(RECOGNIZERS[name], CrnnRecipe(sampled=None))
    losses = descend(network, loss, lines())
    assert losses[-1] < 0.8 * losses[0]
    silent = [n for n, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert not silent  # processes that train together wait for every gradient


# Steps twice as wide


def targets(aligned: list[int], steps: int) -> Targets:
    row = torch.tensor([aligned])
    return Targets(torch.tensor([[5, 6, 7]]), torch.tensor([3]), torch.tensor([steps]), row)


@pytest.mark.parametrize(
    ("aligned", "expected"),
    [
        ([0, 0, 1, 0, 0, 2], [0, 1, 2]),
        ([0, IGNORE, 1, IGNORE, IGNORE, IGNORE], [IGNORE, 1, IGNORE]),
        ([1, 2, 0, 0, 3, 3], [IGNORE, 0, 3]),
        ([0, 1, 2], [1]),  # half a step at the end is left out
    ],
)
def test_wide_steps(aligned: list[int], expected: list[int]) -> None:
    found = coarser(targets(aligned, len(aligned)), 2)
    assert found.aligned.tolist() == [expected]
    assert found.steps.tolist() == [-(-len(aligned) // 2)]
    assert coarser(targets(aligned, 3), 1).aligned.tolist() == [aligned]


# The command line


def test_names_of_recurrent_layers() -> None:
    assert setup.with_rnn("crnn", "gru") == setup.with_rnn("crnn-gru", None) == "crnn-gru"
    assert setup.with_rnn("crnn-gru", "lstm") == setup.with_rnn("crnn", None) == "crnn"
    assert setup.with_rnn("densenet", None) == "densenet"
    with pytest.raises(ValueError, match="--rnn gru is for --arch crnn"):
        setup.with_rnn("densenet", "gru")


def test_weights_start_a_training_and_those_of_others_are_refused(tmp_path) -> None:  # noqa: ANN001

    from safetensors.torch import save_file

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
