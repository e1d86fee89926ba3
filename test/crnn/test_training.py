"""Training the recognizer: the fast loss against PyTorch's own, alignment, and a few steps that must help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812
from safetensors.torch import save_file

from crnn.model_torch import BaseCRNN, Residual, SmallCRNN
from recognition.ctc_loss_torch import Targets, coarser, line_loss
from train.batches.lines import IGNORE, align
from train.data.samples import LineSample
from train.loop.setup_torch import extend_classifier, load_initial_weights
from train.transfer.freeze_torch import freeze

pytestmark = pytest.mark.torch


def problem(seed: int = 0):  # noqa: ANN201
    generator = torch.Generator().manual_seed(seed)
    n, t, d, c, length = 4, 24, 8, 60, 6
    features = torch.randn(n, t, d, generator=generator, requires_grad=True)
    weight = torch.randn(c, d, generator=generator, requires_grad=True)
    bias = torch.randn(c, generator=generator, requires_grad=True)
    labels = torch.randint(1, c, (n, length), generator=generator)
    labels[0, 1] = labels[0, 0]  # a doubled letter
    labels[1, 3] = labels[1, 0]  # the same character again, further on
    lengths = torch.tensor([6, 5, 1, 6])
    for row, count in zip(labels, lengths, strict=True):
        row[count:] = 0
    steps = torch.tensor([24, 15, 7, 3])  # the last line cannot hold its text
    aligned = torch.randint(-1, 2, (n, t), generator=generator)
    return features, weight, bias, Targets(labels, lengths, steps, aligned)


def test_loss_and_gradients_equal_pytorch_on_all_classes() -> None:
    features, weight, bias, targets = problem()
    ctc, aligned = line_loss(features, weight, bias, targets, sampled=None)
    (ctc + 2 * aligned).backward()
    fast = [x.grad.clone() for x in (features, weight, bias)]
    for x in (features, weight, bias):
        x.grad = None
    log_probs = (features @ weight.t() + bias).log_softmax(2)
    losses = F.ctc_loss(
        log_probs.transpose(0, 1), targets.labels, targets.steps, targets.lengths,
        reduction="none", zero_infinity=True,
    )  # fmt: skip
    plain_ctc = (losses / targets.lengths).mean()
    chosen = torch.where(targets.aligned > 0, targets.labels[:, :1], 0)
    chosen = torch.where(targets.aligned == IGNORE, -100, chosen)
    plain_aligned = F.nll_loss(log_probs.flatten(0, 1), chosen.flatten())
    (plain_ctc + 2 * plain_aligned).backward()
    torch.testing.assert_close(ctc, plain_ctc)
    torch.testing.assert_close(aligned, plain_aligned)
    for mine, x in zip(fast, (features, weight, bias), strict=True):
        torch.testing.assert_close(mine, x.grad, atol=1e-5, rtol=1e-4)


def test_sampled_loss_is_right_on_average() -> None:
    features, weight, bias, targets = problem(1)
    with torch.no_grad():
        full = line_loss(features, weight, bias, targets, sampled=None)[1]
        torch.manual_seed(3)
        samples = [line_loss(features, weight, bias, targets, sampled=20)[1] for _ in range(300)]
    assert abs(float(torch.stack(samples).mean() - full)) < 0.05 * float(full)


def test_alignment_contains_each_character_once_in_order() -> None:
    centers = np.array([10, 30, 52, 60], np.float32)
    widths = np.array([20, 20, 8, 8], np.float32)
    sample = LineSample(np.zeros((32, 80, 3), np.uint8), "国家li", centers, widths)
    steps = align(sample, 80, 20)
    marks = [int(s) for s in steps if s > 0]
    assert marks == [1, 2, 3, 4]
    assert steps[2] == 1
    assert (steps == IGNORE).any()
    assert steps[-1] == 0
    assert (align(LineSample(sample.image, "国家li"), 80, 20) == IGNORE).all()


def aligned_steps(text: str, centers: Sequence[float], width: float) -> list[int]:
    places = np.array(centers, np.float32), np.full(len(text), width, np.float32)
    return align(LineSample(np.zeros((32, 80, 3), np.uint8), text, *places), 80, 20).tolist()


@pytest.mark.parametrize("distance", [2.0, 4.0, 5.0, 6.0, 8.0, 9.0, 12.0, 20.0])
def test_equal_neighbours_are_never_told_to_be_one(distance: float) -> None:
    for start in np.arange(12.0, 16.0, 0.5):
        steps = aligned_steps("lla", [start, start + distance, 66], min(distance, 10.0))
        first, last = (steps.index(s) if s in steps else -1 for s in (1, 2))
        assert (first < 0) == (last < 0), "both, or CTC alone says where"
        if first >= 0:
            assert 0 in steps[first:last], "a blank stands between"
        else:
            assert steps.count(IGNORE) >= 3, "room for both and a blank"
        assert 3 in steps


def test_neighbours_that_share_a_step_are_left_to_ctc() -> None:
    steps = aligned_steps("il", [20.8, 21.2], 2.0)
    assert not {1, 2} & set(steps) and IGNORE in steps
    assert {1, 2} <= set(aligned_steps("il", [20, 25], 5.0))


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    network = SmallCRNN(40, widths=(16, 24, 32, 48), hidden=16)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    lines = torch.randn(4, 1, 32, 64)
    labels = torch.randint(1, 40, (4, 3))
    aligned = torch.zeros(4, 16, dtype=torch.int64)
    aligned[:, [2, 7, 12]] = torch.tensor([1, 2, 3])
    targets = Targets(labels, torch.full((4,), 3), torch.full((4,), 16), aligned)
    losses = []
    for _ in range(25):
        features = network.features(lines)
        ctc, steps = line_loss(
            features, network.classify.weight, network.classify.bias, targets, sampled=None
        )
        optimizer.zero_grad()
        (ctc + steps).backward()
        optimizer.step()
        losses.append(float((ctc + steps).detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_extended_classifier_keeps_old_logits_and_makes_new_classes_unlikely() -> None:
    torch.manual_seed(0)
    small, large = SmallCRNN(50).eval(), SmallCRNN(70).eval()
    large.load_state_dict(extend_classifier(small.state_dict(), large.state_dict()))
    lines = torch.randn(2, 1, 32, 64)
    with torch.inference_mode():
        before, after = small(lines), large(lines)
    torch.testing.assert_close(after[:, :, :50], before)
    assert after.isfinite().all()
    assert large.classify.bias[50:].max() <= small.classify.bias.min()


def test_base_network_initialized_from_small_gives_the_same_output(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = SmallCRNN(50, (8, 12, 16, 20), 10)
    with torch.no_grad():
        for _ in range(20):  # batch norms that have seen something
            small(torch.randn(4, 1, 32, 64) * 2 + 0.5)
    path = tmp_path / "small.safetensors"
    save_file({name: v.contiguous() for name, v in small.eval().state_dict().items()}, path)
    made = BaseCRNN(50, (8, 12, 16, 20), 10)
    base = load_initial_weights(made, path).eval()
    lines = torch.randn(2, 1, 32, 96)
    with torch.inference_mode():
        torch.testing.assert_close(base(lines), small(lines), atol=1e-4, rtol=0)
    # Its blocks are not dead: what they add can be learned.
    base.train()(lines).square().sum().backward()
    assert all(
        b.body[-1].weight.grad.abs().max() > 0 for b in base.modules() if isinstance(b, Residual)
    )


def test_weights_of_the_same_charset_are_not_extended() -> None:
    state = SmallCRNN(50).state_dict()
    kept = extend_classifier(state, SmallCRNN(50).state_dict())
    assert all(torch.equal(kept[name], value) for name, value in state.items())


def test_frozen_parts_stay_as_they_are() -> None:
    torch.manual_seed(0)
    network = SmallCRNN(40, (8, 12, 16, 20), 10)
    freeze(network, ["stem", "stage1", "collapse.1"])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    network.train()(torch.randn(2, 1, 32, 64)).square().mean().backward()
    optimizer.step()
    changed = {n for n, v in network.state_dict().items() if not torch.equal(v, before[n])}
    parts = {name.split(".")[0] for name in changed}
    assert parts == {"stage2", "stage3", "collapse", "rnn", "head", "classify"}
    assert not any(name.startswith("collapse.1.") for name in changed)
    assert "stage2.0.1.running_mean" in changed


def test_freezing_a_missing_part_is_refused() -> None:
    with pytest.raises(ValueError, match="no 'stage9' to freeze, expected some of stem"):
        freeze(SmallCRNN(9, (8, 8, 8, 8), 8), ["stage9"])


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
def test_targets_of_steps_twice_as_wide_keep_characters_that_fit(
    aligned: list[int], expected: list[int]
) -> None:
    found = coarser(targets(aligned, len(aligned)), 2)
    assert found.aligned.tolist() == [expected]
    assert found.steps.tolist() == [-(-len(aligned) // 2)]
    assert coarser(targets(aligned, 3), 1).aligned.tolist() == [aligned]
