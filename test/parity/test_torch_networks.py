"""The papers' networks in PyTorch: contracts, equivalences, and that each of them learns."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from angle import Classifier
from angle.model_torch import VGG16Angle
from angle.model_torch import deployed as deployed_angle
from common.recurrent_torch import bidirectional
from common.vgg16_torch import VGG16, fold
from crnn import Recognizer
from crnn.model_torch import (
    CRNN,
)
from ctpn import Detector
from ctpn.model_torch import VGG16CTPN, activate
from detection.network_torch import Deployed, as_network
from recognition import METHODS, row_of
from recognition import attention as attention_runs
from recognition.attention_torch import AttentionDecoder, AttentionReading, drift
from recognition.densenet_torch import DenseNetCTC
from recognition.resnet_attention_torch import ResNetAttention

pytestmark = pytest.mark.torch

NARROW = (4, 6, 8, 10, 12)
CLASSES = 9
LINES: dict[str, Callable[[], torch.nn.Module]] = {
    "crnn": lambda: CRNN(CLASSES, (4, 6, 8, 10), 7),
    "crnn-gru": lambda: CRNN(CLASSES, (4, 6, 8, 10), 7, "gru"),
    "densenet": lambda: DenseNetCTC(CLASSES, 8, 3, 4, 12, dropout=0.0),
    "resnet-attention": lambda: ResNetAttention(CLASSES, (4, 6, 8, 10), 7),
}


def seasoned(network: torch.nn.Module, *shape: int) -> torch.nn.Module:
    """Let batch norms see something, so that folding or skipping them would show."""
    torch.manual_seed(1)
    network.train()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad and parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
        for _ in range(3):
            network(torch.randn(*shape) * 2 + 0.5)
    return network.eval()


# The papers' sizes


@pytest.mark.slow
def test_widths_and_parameters_are_the_papers() -> None:
    """14.7 million in VGG-16's convolutions; CTPN 17.9 million; CRNN 8.3 million for 37 classes."""
    with torch.device("meta"):
        sizes = {
            "vgg16": VGG16(normalized=False),
            "ctpn": VGG16CTPN(normalized=False),
            "crnn": CRNN(37),
            "densenet": DenseNetCTC(5990),
        }
    count = {k: sum(p.numel() for p in v.parameters()) for k, v in sizes.items()}
    assert count["vgg16"] == 14_714_688
    assert 17.8e6 < count["ctpn"] < 18.0e6
    assert 8.3e6 < count["crnn"] < 8.4e6
    assert 4.8e6 < count["densenet"] < 5.0e6


def test_networks_are_made_by_name() -> None:
    with torch.device("meta"):
        for name in LINES:
            assert row_of(name).make(5).classify.out_features == 5
        assert isinstance(METHODS["crnn-gru"].make(5).rnn1, torch.nn.GRU)
    with pytest.raises(ValueError, match="expected one of small, base, crnn, crnn-gru"):
        row_of("transformer")


# The trunk


def test_trunk_has_stride_16_and_nothing_below_zero() -> None:
    maps = VGG16(NARROW)(torch.randn(2, 3, 48, 80))
    assert maps.shape == (2, 12, 3, 5)
    assert (maps >= 0).all()


def test_folding_batch_norm_keeps_the_output() -> None:
    trunk = seasoned(VGG16(NARROW), 2, 3, 48, 48)
    images = torch.randn(2, 3, 48, 80)
    folded = fold(trunk)
    assert not folded.normalized and trunk.normalized
    with torch.inference_mode():
        torch.testing.assert_close(folded(images), trunk(images), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(fold(folded)(images), folded(images))


def test_only_one_bias_of_an_lstm_learns() -> None:
    layer = bidirectional(3, 4)
    frozen = {name for name, p in layer.named_parameters() if not p.requires_grad}
    assert frozen == {"bias_hh_l0", "bias_hh_l0_reverse"}
    assert all(float(getattr(layer, name).abs().max()) == 0 for name in frozen)
    assert all(p.requires_grad for p in bidirectional(3, 4, "gru").parameters())
    with pytest.raises(ValueError, match="lstm or gru"):
        bidirectional(3, 4, "rwkv")


# angle


def test_angle_takes_patches_of_any_size_and_serves_the_classifier(
    rng: np.random.Generator,
) -> None:
    network = seasoned(VGG16Angle(NARROW), 4, 1, 32, 32)
    ready = deployed_angle(network)
    patches = torch.randn(3, 1, 64, 64)
    with torch.inference_mode():
        assert network(patches).shape == network(patches[:, :, :48, :48]).shape == (3, 4)
        torch.testing.assert_close(ready(patches), network(patches), atol=1e-5, rtol=1e-4)

    def run(values: np.ndarray) -> tuple[np.ndarray]:
        assert values.shape[1:] == (1, 64, 64)
        with torch.inference_mode():
            return (ready(torch.from_numpy(values)).numpy(),)

    page = rng.integers(0, 255, (300, 200, 3), np.uint8)
    degrees, score = Classifier(run, size=64, threshold=0.0)(page)
    assert degrees in {0, 90, 180, 270} and 0.25 <= score <= 1


# ctpn


def test_ctpn_keeps_the_contract_of_the_small_one_and_serves_the_detector(
    rng: np.random.Generator,
) -> None:
    network = seasoned(VGG16CTPN(NARROW, 9, 5), 1, 3, 48, 48)
    images = torch.randn(2, 3, 32, 80)
    with torch.inference_mode():
        logits, deltas, sides = network(images)
        scores = Deployed(network, activate)(images)[0]
    assert logits.shape == sides.shape == (2, 2, 5, 10) and deltas.shape == (2, 2, 5, 10, 2)
    torch.testing.assert_close(scores, torch.sigmoid(logits), atol=1e-5, rtol=1e-4)
    page = rng.integers(0, 255, (100, 180, 3), np.uint8)
    quads, found = Detector(
        as_network(network, activate), proposal_threshold=0.01, line_threshold=0.0
    )(page)
    assert quads.shape[1:] == (4, 2) and len(quads) == len(found)


def test_softmax_of_two_scores_equals_sigmoid_of_the_logit() -> None:
    network = VGG16CTPN(NARROW, 9, 5).eval()
    caught: list[torch.Tensor] = []
    network.score.register_forward_hook(lambda _m, _i, output: caught.append(output))
    with torch.inference_mode():
        logits = network(torch.randn(1, 3, 32, 48))[0]
    softmax = caught[0].reshape(1, 2, 3, 10, 2).softmax(4)[..., 1]
    torch.testing.assert_close(softmax, torch.sigmoid(logits))
    assert float(softmax.max()) < 0.1  # text is rare, and an untrained network says so


def test_recurrent_layer_of_ctpn_runs_along_rows_only() -> None:
    """The recurrent layer runs along rows: what stands below by more than the view changes nothing."""
    network = VGG16CTPN(NARROW, 9, 5).eval()
    images = torch.randn(1, 3, 480, 32)
    changed = images.clone()
    changed[:, :, 400:] = 0
    with torch.inference_mode():
        a, b = network(images)[0], network(changed)[0]
    torch.testing.assert_close(a[:, :12], b[:, :12])
    assert not torch.equal(a[:, 26:], b[:, 26:])


# crnn


def test_recognizer_refuses_unknown_decoders() -> None:
    with pytest.raises(ValueError, match="beam"):
        Recognizer(lambda lines: (lines,), charset="a", decoder="beam")
    with pytest.raises(ValueError, match="stride 0"):
        Recognizer(lambda lines: (lines,), charset="a", stride=0)


# Attention


def test_attention_decoding_stops_at_the_end_and_feeds_back_its_output() -> None:
    """Greedy reading equals teaching the decoder what it reads, character by character."""
    torch.manual_seed(3)
    decoder = AttentionDecoder(6, 5, 8).eval()
    decoder.out.bias.data[0] = 0.8
    decoder.near.weight.data.normal_()
    features = 4 * torch.randn(7, 9, 5)
    with torch.inference_mode():
        labels, log_probs, places = decoder(features)
        logits = decoder.teach(features, labels)
    assert labels.shape == log_probs.shape == places.shape and labels.shape[1] <= 9
    ended = torch.zeros(7, dtype=torch.bool)
    for i in range(labels.shape[1]):
        best = logits[:, i].argmax(1)
        chosen = torch.where(ended, 0, best)
        assert torch.equal(labels[:, i], chosen)
        kept = ~ended
        expected = logits[:, i].log_softmax(1).max(1).values
        torch.testing.assert_close(log_probs[kept, i], expected[kept])
        ended |= best == 0
    assert ((places > 0) & (places < 9)).all()
    assert len({int((row > 0).sum()) for row in labels}) > 1  # lines of different lengths


def test_padding_of_labels_changes_no_loss() -> None:
    torch.manual_seed(4)
    decoder = AttentionDecoder(6, 5, 8)
    features, labels = torch.randn(2, 9, 5), torch.tensor([[1, 2, 3], [4, 0, 0]])
    lengths = torch.tensor([3, 1])
    plain = decoder.loss(features, labels, lengths)
    padded = decoder.loss(features, torch.nn.functional.pad(labels, (0, 4)), lengths)
    torch.testing.assert_close(plain, padded)


def test_drift_measures_attention_away_from_the_character() -> None:
    looks = torch.full((2, 4, 6), 1 / 6)
    aligned = torch.tensor([[0, 1, -1, -1, 2, 0], [-1, -1, -1, -1, -1, -1]])
    assert drift(looks, aligned).item() == pytest.approx(math.log(2))  # three of six steps are near
    # The end (the last row) and characters whose places are unknown may be looked for anywhere.
    looks[0, 2:], looks[1] = 0, 0
    assert drift(looks, aligned).item() == pytest.approx(math.log(2))
    looks[0, 1] = torch.tensor([1.0, 0, 0, 0, 0, 0])
    assert drift(looks, aligned).item() == pytest.approx(
        (math.log(2) + math.log(1e6)) / 2, rel=1e-4
    )
    assert drift(looks, torch.zeros_like(aligned)).item() == 0


@pytest.mark.slow
def test_attention_learns_where_characters_stand() -> None:
    torch.manual_seed(5)
    decoder, features = AttentionDecoder(6, 5, 8), torch.randn(3, 12, 5)
    labels, aligned = torch.randint(1, 6, (3, 4)), torch.zeros(3, 12, dtype=torch.long)
    aligned[:, 1::3] = torch.arange(1, 5)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=1e-2)
    away = []
    for _ in range(150):
        optimizer.zero_grad()
        away.append(drift(decoder.teacher_forced(features, labels)[1], aligned))
        away[-1].backward()
        optimizer.step()
    assert away[-1].item() < 0.3 * away[0].item()
    middles = torch.tensor([1.5, 4.5, 7.5, 10.5])
    places = (
        decoder.teacher_forced(features, labels)[1][:, :-1] @ (torch.arange(12) + 0.5)
    ).detach()
    torch.testing.assert_close(places, middles.expand(3, 4), atol=1.5, rtol=0)


def test_attention_runs_stop_at_the_end_symbol() -> None:
    labels, log_probs = np.array([3, 1, 0, 2]), np.log(np.array([0.5, 1, 1, 1], np.float32))
    places = np.array([0.2, 7.9, 3, 3], np.float32)
    assert [tuple(r) for r in attention_runs.runs(labels, log_probs, places, 5)] == [
        (3, 0, 1, pytest.approx(0.5)),
        (1, 4, 5, 1.0),
    ]
    assert attention_runs.runs(labels[:0], log_probs[:0], places[:0], 5) == []
    assert len(attention_runs.runs(labels[:2], log_probs[:2], places[:2], 5)) == 2


def test_a_recognizer_reads_by_attention(rng: np.random.Generator) -> None:
    torch.manual_seed(5)
    ready = AttentionReading(LINES["resnet-attention"]()).eval()

    def run(lines: np.ndarray) -> tuple[np.ndarray, ...]:
        with torch.inference_mode():
            return tuple(a.numpy() for a in ready(torch.from_numpy(lines)))

    crops = [rng.integers(0, 255, (20, w, 3), np.uint8) for w in (9, 60)]
    readings = Recognizer(run, charset="abcdefgh", decoder="attention")(crops)
    assert any(reading.text for reading in readings)
    for reading in readings:
        assert all(0 <= a < b <= 1 for a, b in reading.char_spans)
        assert len(reading.text) == len(reading.char_scores)
