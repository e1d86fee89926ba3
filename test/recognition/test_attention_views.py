"""A recognizer of several views: their order, views that are not there, characters that only one of them shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from crnn.model_torch import as_recognizer
from recognition.attention_ocr_views_torch import AttentionOCRViews, ViewsDecoder, losses
from recognition.attention_torch import AttentionReading
from recognition.charset import Charset
from recognition.ctc_loss_torch import Targets
from train.loop.recipes import CrnnRecipe

CHARSET = "abcd"


def network() -> Any:
    torch.manual_seed(5)
    made = AttentionOCRViews(5, widths=(4, 6, 8, 10), hidden=6, decoder=8).eval()
    made.classify.bias.data[0] = -1  # lines do not end at once
    return made


def read(made: Any, lines: Any) -> tuple[Any, ...]:
    reading = AttentionReading(made)
    with torch.inference_mode():
        return tuple(reading(lines))


def spelled(*views: tuple[tuple[int, int], ...]) -> Any:
    """Features (1, 16, V * 5) of views that show characters, each a pair of step and class."""
    features = torch.zeros(1, 16, len(views), 5)
    features[..., 0] = 1e-3  # a view that is there, and says nothing
    for view, characters in enumerate(views):
        for step, label in characters:
            features[0, step, view, label] = 20
    return features.flatten(2)


def new_decoder() -> Any:
    """A decoder over a classifier that tells classes from one feature each; class 0, the end, wins else."""
    torch.manual_seed(4)
    classify = torch.nn.Linear(5, 5)
    torch.nn.init.eye_(classify.weight)
    torch.nn.init.zeros_(classify.bias)
    classify.bias.data[0] = 9
    decoder = ViewsDecoder(classify, 8).eval()
    decoder.prepare()
    return decoder


def labels_of(decoder: Any, features: Any) -> list[int]:
    with torch.inference_mode():
        (labels,) = decoder(features)[0].tolist()
    return [label for label in labels if label]


def test_what_one_view_hides_is_read_in_another() -> None:
    decoder = new_decoder()
    first, second = ((1, 1), (10, 4)), ((4, 2), (7, 3))
    assert labels_of(decoder, spelled(first)) == [1, 4]
    assert labels_of(decoder, spelled(second)) == [2, 3]
    assert labels_of(decoder, spelled(first, second)) == [1, 2, 3, 4]
    assert labels_of(decoder, spelled(second, (), first)) == [1, 2, 3, 4]


def test_what_several_views_show_is_read_once() -> None:
    whole = ((1, 1), (4, 2), (7, 2), (10, 3))
    assert labels_of(new_decoder(), spelled(whole, whole, whole)) == [1, 2, 2, 3]


def test_what_stands_at_other_steps_in_other_views_is_read_once() -> None:
    first, second = ((1, 1), (4, 2), (8, 2), (12, 3)), ((2, 1), (5, 2), (7, 2), (10, 3))
    assert labels_of(new_decoder(), spelled(first, second)) == [1, 2, 2, 3]
    # Another character beside it is read all the same, and one that the surer view says less surely.
    assert labels_of(new_decoder(), spelled(((3, 1), (9, 4)), ((5, 2), (9, 4)))) == [1, 2, 4]


def test_order_of_views_changes_nothing() -> None:
    made, lines = network(), torch.randn(2, 4, 32, 64)
    found, other = read(made, lines), read(made, lines[:, [2, 0, 3, 1]])
    assert found[0].any()
    for one, two in zip(found, other, strict=True):
        torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)


def test_views_that_are_not_there_change_nothing() -> None:
    made, lines = network(), torch.randn(1, 2, 32, 64)
    gone = torch.zeros(1, 1, 32, 64)
    found = read(made, lines)
    for more in (torch.cat([lines, gone, gone], 1), torch.cat([gone, lines], 1)):
        for one, two in zip(found, read(made, more), strict=True):
            torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)


def test_no_view_at_all_gives_numbers() -> None:
    for values in read(network(), torch.zeros(1, 3, 32, 64)):
        assert torch.isfinite(values.float()).all()


def test_a_line_is_read_in_as_many_views_as_the_network_takes() -> None:
    reader = as_recognizer(network(), Charset(CHARSET), decoder="attention")
    rng = np.random.default_rng(1)
    crops = [rng.integers(0, 255, (h, w, 3), np.uint8) for h, w in ((32, 90), (20, 40), (50, 99), (1, 1))]  # fmt: skip
    assert reader.views == 4 and reader.read_views([]) == []
    one, four = reader.read_views([crops[:1], crops])
    assert one == reader(crops[:1])[0]._replace(text=one.text), "one view is an ordinary line"
    (other,) = reader.read_views([crops[::-1]])
    assert other.text == four.text and other.score == pytest.approx(four.score)
    assert set(four.text) <= set(CHARSET) and 0 <= four.score <= 1
    empty = np.zeros((0, 9, 3), np.uint8)
    assert reader.read_views([[empty, crops[0]]])[0] == one
    assert not reader.read_views([[empty]])[0].text
    for wrong in ([], crops + crops[:1]):
        with pytest.raises(ValueError, match=f"found {len(wrong)} pictures of one line, expected 1 to 4"):  # fmt: skip
            reader.read_views([wrong])


def test_loss_of_several_views_falls_and_reaches_all_that_is_trained() -> None:
    torch.manual_seed(3)
    made = AttentionOCRViews(5, widths=(8, 12, 16, 20), hidden=8, decoder=16)
    made.requires_grad_(False)
    made.attention.requires_grad_(True)
    lines = torch.zeros(3, 2, 32, 64)
    aligned = torch.full((3, 2, 16), -1)
    labels = torch.tensor([[1, 2], [2, 3], [4, 1]])
    for row, (first, second) in enumerate(labels.tolist()):
        lines[row, 0, 4:28, 8 : 8 + 4 * first] = 2
        lines[row, 1, 4:28, 36 : 36 + 4 * second] = 2
        aligned[row, 0, 2], aligned[row, 1, 9] = 1, 2
    steps = torch.full((3,), 16)
    targets = Targets(labels, torch.tensor([2, 2, 2]), steps, aligned.reshape(3, -1))
    optimizer = torch.optim.Adam([p for p in made.parameters() if p.requires_grad], lr=5e-3)
    values = []
    for _ in range(30):
        features = made.features(lines)
        parts = losses(made, features, features, targets, 1.0, CrnnRecipe(sampled=None))
        assert parts.keys() == {"attention"}
        total = torch.stack(list(parts.values())).sum()
        values.append(total.item())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert values[-1] < 0.8 * values[0]
    assert all(p.grad is not None for p in made.attention.parameters() if p.requires_grad)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporters warn about themselves
def test_onnx_reads_any_number_of_views_as_torch_does(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from train.export.models import VIEW_AXES
    from train.export.onnx_file import write_float

    ready, path = AttentionReading(network()).eval(), tmp_path / "views.onnx"
    outputs = ("labels", "log_probs", "places")
    axes = {"image": VIEW_AXES, **{output: {0: "N", 1: "L"} for output in outputs}}
    example = np.zeros((2, 1, 32, 64), np.float32)
    write_float(ready.compiled(), example, path, outputs=outputs, axes=axes)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for views in (1, 2, 4):
        values = np.random.default_rng(views).normal(size=(2, views, 32, 80)).astype(np.float32)
        values[1, 1:] = 0
        with torch.inference_mode():
            expected = ready(torch.from_numpy(values))
        for found, wanted in zip(session.run(None, {"image": values}), expected, strict=True):
            np.testing.assert_allclose(found, wanted.numpy(), atol=1e-3)
