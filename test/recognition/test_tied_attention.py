"""Attention whose characters are those of a classifier of CTC, with either cell."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from recognition.attention_ocr_torch import AttentionOCR, StackedDecoder
from recognition.attention_torch import AttentionReading
from recognition.rare_torch import RARE
from recognition.tied_attention_torch import TiedDecoder

decoders = pytest.mark.parametrize("kind", [TiedDecoder, StackedDecoder])


def classifier() -> Any:
    """Five classes that are told from one feature each; class 0, the end, wins where there is nothing."""
    classify = torch.nn.Linear(5, 5)
    torch.nn.init.eye_(classify.weight)
    torch.nn.init.zeros_(classify.bias)
    classify.bias.data[0] = 0.5
    return classify


def spelled(*labels: int) -> Any:
    """Features of a line (1, T, 5) with a character in every other step."""
    features = torch.zeros(1, 2 * len(labels) + 4, 5)
    for place, label in enumerate(labels):
        features[0, 2 * place + 1, label] = 4
    return features


@decoders
def test_new_decoder_says_what_the_classifier_says_of_what_it_looks_at(kind: Any) -> None:
    torch.manual_seed(1)
    classify = classifier()
    decoder, features = kind(classify, 8), torch.randn(2, 6, 5)
    logits, looks = decoder.teacher_forced(features, torch.tensor([[1, 2, 3], [4, 0, 0]]))
    torch.testing.assert_close(logits, classify(looks @ features))
    torch.testing.assert_close(looks.sum(2), torch.ones(2, 4))


@decoders
def test_new_decoder_reads_as_ctc_does(kind: Any) -> None:
    """Characters, narrow and wide gaps, and nothing: each is looked at once, from the left, and then it ends."""
    torch.manual_seed(4)
    classify = classifier()
    classify.bias.data[0] = 9
    features = torch.zeros(2, 20, 5)
    for place, label in ((0, 1), (3, 2), (6, 2), (9, 4), (12, 1)):
        features[0, place, label] = 20
    for place, label in ((1, 3), (4, 1), (16, 4)):
        features[1, place, label] = 20
    decoder = kind(classify, 8).eval()
    decoder.prepare()
    with torch.inference_mode():
        found, _, places = decoder(torch.cat([features, torch.zeros(1, 20, 5)]))
    assert found.tolist() == [[1, 2, 2, 4, 1, 0], [3, 1, 4, 0, 0, 0], [0] * 6]
    expected = torch.tensor([1.5, 4.5, 16.5])
    torch.testing.assert_close(places[1, :3], expected, atol=0.3, rtol=0)


@decoders
def test_new_decoder_says_once_what_stands_at_two_steps(kind: Any) -> None:
    """Wide characters beside narrow ones, the same character twice, a gap of forty steps."""
    classify = classifier()
    classify.bias.data[0] = 9
    features = torch.zeros(1, 70, 5)
    steps = (
        (2, 1, 18),
        (3, 1, 20),
        (4, 2, 20),
        (9, 3, 20),
        (10, 3, 15),
        (12, 3, 19),
        (13, 3, 20),
        (53, 4, 20),
    )
    for place, label, height in steps:
        features[0, place, label] = height
    decoder = kind(classify, 8).eval()
    decoder.prepare()
    with torch.inference_mode():
        found, _, places = decoder(features)
    assert found[0].tolist() == [1, 2, 3, 3, 4, 0]
    expected = torch.tensor([3.5, 4.5, 9.5, 13.5, 53.5])
    torch.testing.assert_close(places[0, :5], expected, atol=0.3, rtol=0)


@decoders
def test_errors_of_rounding_do_not_decide_where_it_looks(kind: Any) -> None:
    decoder = kind(classifier(), 8)
    ahead = torch.arange(-20.0, 80.0)[None]
    with torch.inference_mode():
        near = decoder.nearness(ahead)
        for error in (-1e-5, 1e-5):
            torch.testing.assert_close(decoder.nearness(ahead + error), near, atol=1e-3, rtol=0)
        torch.testing.assert_close(near[0, 12:76], decoder.near.weight[:, 0])
        assert near[0, :12].eq(near[0, 12]).all() and near[0, 76:].eq(near[0, 75]).all()


@decoders
def test_a_character_is_looked_for_from_where_the_one_before_stands(kind: Any) -> None:
    """A decoder that slipped is not taught to leap back: where characters stand is told it, as they are."""
    classify = classifier()
    classify.bias.data[0] = 9
    features, middles = torch.zeros(1, 20, 5), torch.arange(20) + 0.5
    features[0, 1::3, 1] = 20
    decoder = kind(classify, 8).eval()
    aligned = torch.zeros(1, 20, dtype=torch.long)
    aligned[0, 9:12] = torch.tensor([-1, 1, -1])
    labels = torch.tensor([[1, 1]])
    with torch.inference_mode():
        own = (decoder.teacher_forced(features, labels)[1] * middles).sum(2)
        told = (decoder.teacher_forced(features, labels, aligned)[1] * middles).sum(2)
    torch.testing.assert_close(own[0], torch.tensor([1.5, 4.5, 7.5]), atol=0.3, rtol=0)
    # The second has no place of its own and is looked for from 10.5 on, the end from where the second was found.
    torch.testing.assert_close(told[0], torch.tensor([1.5, 13.5, 16.5]), atol=0.3, rtol=0)


@decoders
def test_decoder_learns_to_read_and_stops_at_the_end(kind: Any) -> None:
    torch.manual_seed(2)
    decoder = kind(classifier(), 16)
    texts = [(1, 2, 3, 4), (3, 3, 1, 2), (4, 1, 4, 1), (2, 4, 3, 3)]
    features, labels = torch.cat([spelled(*t) for t in texts]), torch.tensor(texts)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=2e-2)
    for _ in range(120):
        optimizer.zero_grad()
        decoder.loss(features, labels, torch.full((4,), 4)).backward()
        optimizer.step()
    decoder.eval().prepare()
    with torch.inference_mode():
        found, log_probs, places = decoder(features)
    assert found[:, :4].tolist() == [list(t) for t in texts]
    assert found.shape[1] == 5 and not found[:, 4].any()  # stopped, of 12 steps
    assert (log_probs <= 0).all() and (places >= 0).all() and (places <= 12).all()


@pytest.mark.parametrize("make", [RARE, AttentionOCR])
def test_classifier_is_stored_once_and_read_with_as_it_is_trained(make: Any) -> None:
    torch.manual_seed(3)
    network = make(50, widths=(4, 6, 8, 10), hidden=6, decoder=8).eval()
    of_classes = [n for n, v in network.state_dict().items() if 50 in v.shape]
    assert of_classes == ["classify.weight", "classify.bias"]
    torch.nn.init.normal_(network.attention.out.project.weight, std=0.3)
    network.classify.weight.data.mul_(9)
    network.classify.bias.data[0] = -3
    lines = torch.randn(3, 1, 32, 64)
    with torch.inference_mode():
        found, log_probs, _ = AttentionReading(network)(lines)
        taught = network.attention.teach(network.features(lines), found)[:, :-1].log_softmax(2)
    going = found > 0
    assert going.any()
    torch.testing.assert_close(taught.max(2).indices[going], found[going])
    torch.testing.assert_close(taught.max(2).values[going], log_probs[going], atol=1e-4, rtol=1e-4)


def test_without_gradients_of_the_features_attention_alone_is_trained() -> None:
    from recognition.ctc_loss_torch import Targets
    from recognition.tied_attention_torch import losses
    from train.loop.recipes import CrnnRecipe

    network = AttentionOCR(5, widths=(4, 6, 8, 10), hidden=6, decoder=8)
    labels, steps = torch.tensor([[1, 2]]), torch.tensor([16])
    targets = Targets(labels, torch.tensor([2]), steps, torch.full((1, 16), -1))
    lines = torch.randn(1, 1, 32, 64)
    for frozen, parts in (
        (False, {"ctc", "aligned", "attention"}),
        (True, {"attention"}),
    ):
        features = network.features(lines)
        features = features.detach() if frozen else features
        found = losses(network, features, features, targets, 1.0, CrnnRecipe(sampled=None))
        assert set(found) == parts
