"""The shipped weights of the papers' networks: the same in PyTorch, Keras and ONNX, reading, and trained on from."""

from __future__ import annotations

import gc
import weakref
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import ocr
from common import image as pictures
from common.quads import crop
from ocr.models import build
from ocr.weights import WEIGHTS, find

torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")

from angle import model_keras as angle_keras_model
from angle.model_torch import VGG16Angle
from angle.preprocess import page_patches
from common import convert
from common.weights_keras import set_weights, weights
from crnn import convert as crnn_convert
from ctpn import model_keras as ctpn_keras_model
from ctpn.model_torch import VGG16CTPN
from ctpn.targets import assign
from detection import METHODS
from recognition import row_of
from recognition.charset import Charset
from recognition.preprocess import batch as line_batch
from recognition.preprocess import width_at_height
from train import angle_keras, angle_torch, crnn_keras, ctpn_keras, detector_torch, recognizer_torch
from train.loop.recipes import AngleRecipe, CrnnRecipe, CtpnKerasRecipe, FitRecipe
from train.loop.setup_torch import load_initial_weights
from train.transfer import quantized_weights

pytestmark = [
    pytest.mark.torch,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

PAGE = Path(__file__).resolve().parents[1] / "data" / "page.png"
QUICK = FitRecipe(lr=2e-5, warmup_steps=1, steps=4)
RECOGNIZERS = {
    "crnn": "reference", "crnn-gru": "crnn-gru", "densenet": "densenet", "resnet-attention": "resnet-attention",
}  # fmt: skip
"""Networks by `--arch`, and their names in the manifest."""
NAMES = ("angle", "ctpn", *RECOGNIZERS)

Arrays = dict[str, np.ndarray]


class Twice(NamedTuple):
    """One network of the shipped weights in both frameworks, and where the weights are."""

    torch: torch.nn.Module
    keras: Any
    path: Path


def weight_file(name: str) -> Path:
    task = {"angle": "angle", "ctpn": "detector"}.get(name, "recognizer")
    return WEIGHTS / find(RECOGNIZERS.get(name, "reference"), task).file


@cache
def shipped(name: str) -> Twice:
    path = weight_file(name)
    classes = Charset.load().classes
    network, model, converter = {
        "angle": lambda: (
            VGG16Angle(),
            angle_keras_model.vgg16_angle(normalized=False),
            convert,
        ),
        "ctpn": lambda: (VGG16CTPN(), ctpn_keras_model.vgg16_ctpn(normalized=False), convert),
    }.get(
        name,
        lambda: (row_of(name).make(classes), row_of(name).make_keras(classes), crnn_convert),
    )()
    network = load_initial_weights(network, path)
    set_weights(model, converter.to_keras(quantized_weights.load(path)))
    return Twice(network, model, path)


@cache
def picture() -> np.ndarray:
    """The upper nine lines of a page of the project's own; large networks take long for more."""
    return np.ascontiguousarray(pictures.load(PAGE)[96:632])


@cache
def small_page() -> ocr.Page:
    return ocr.load(threads=1, decode="greedy").read(picture())


@cache
def read_lines() -> list[tuple[np.ndarray, str]]:
    """Crops of the picture, and what the small models read there."""
    image = picture()
    quads = [(np.array(line.box, np.float32), line.text) for line in small_page().lines]
    return [(crop(image, quad), text) for quad, text in quads]


def data(name: str) -> Arrays:
    """A small batch to learn from, of the picture; the small models say what is on it."""
    image = picture()
    if name == "angle":
        found = page_patches(image)[0][:1, :, 16:112, 16:112]
        return {"patches": found, "known": np.ones(len(found), np.bool_)}
    if name == "ctpn":
        part = np.ascontiguousarray(image[:96, 256:512])  # of the heading
        quads = np.array([line.box for line in small_page().lines], np.float32)
        quads -= np.array([256, 0], np.float32)
        truth = assign(quads, np.zeros(len(quads), np.bool_), part.shape[:2])
        keys = ("labels", "deltas", "sides", "side_mask")
        return {"images": part[None], **{key: getattr(truth, key)[None] for key in keys}}
    known = sorted(read_lines(), key=lambda line: line[0].shape[1] / line[0].shape[0])[:2]
    widths = [width_at_height(*c.shape[:2]) for c, _ in known]
    values = line_batch([c for c, _ in known], widths, 8)
    labels = np.zeros((len(known), max(len(text) for _, text in known)), np.int64)
    for row, (_, text) in zip(labels, known, strict=True):
        row[: len(text)] = Charset.load().encode(text)
    return {
        "lines": values,
        "labels": labels,
        "lengths": np.array([len(text) for _, text in known], np.int64),
        "steps": np.array([-(-width // 4) for width in widths], np.int64),
        "aligned": np.full((len(known), values.shape[3] // 4), -1, np.int64),
    }


LOSSES = {
    "angle": lambda: angle_torch.make_loss(AngleRecipe(inverted=0.0)),
    "ctpn": lambda: detector_torch.make_loss(METHODS["ctpn-reference"]),
}


def torch_loss(name: str, network: torch.nn.Module, batch: Arrays) -> torch.Tensor:
    tensors = {key: torch.from_numpy(value) for key, value in batch.items()}
    recipe = CrnnRecipe(sampled=None)
    lines = lambda: recognizer_torch.make_loss(row_of(name), recipe)  # noqa: E731
    value, _ = LOSSES.get(name, lines)()(network, tensors, 1.0)
    return value


def test_three_reference_models_read_the_page_as_the_small_ones_do() -> None:
    page = ocr.load("reference", threads=1).read(picture())
    assert page.angle.degrees == 0
    alike = SequenceMatcher(None, page.text, small_page().text, autojunk=False).ratio()
    assert alike > 0.95, page.text
    turned = np.ascontiguousarray(np.rot90(picture(), -1))
    assert ocr.load("small", angle="reference", threads=1).read(turned).angle.degrees == 90


@pytest.mark.parametrize("name", NAMES)
def test_both_frameworks_answer_alike(name: str) -> None:
    twice = shipped(name)
    batch = data(name)
    values = {
        "angle": lambda: batch["patches"],
        "ctpn": lambda: detector_torch.to_input(torch.from_numpy(batch["images"])).numpy(),
    }.get(name, lambda: batch["lines"])()
    values = np.ascontiguousarray(values)
    inputs: Any = values
    with torch.inference_mode():
        ours = twice.torch.eval()(torch.from_numpy(values))
        if name == "resnet-attention":
            inputs = [values, batch["labels"].astype(np.int32)]
            seen, labels = twice.torch.features(torch.from_numpy(values)), batch["labels"]
            ours = ours, twice.torch.attention.teach(seen, torch.from_numpy(labels))
    theirs = twice.keras(inputs, training=False)
    ours, theirs = ((x if isinstance(x, (tuple, list)) else (x,)) for x in (ours, theirs))
    for a, b in zip(ours, theirs, strict=True):
        scale = max(1.0, float(a.abs().max()))
        np.testing.assert_allclose(np.array(b), a.numpy(), atol=1e-4 * scale)


@pytest.mark.parametrize("name", NAMES)
def test_weights_go_to_keras_and_back_bit_by_bit(name: str) -> None:
    converter = {"angle": convert, "ctpn": convert}.get(name, crnn_convert)
    state = quantized_weights.load(weight_file(name))
    back = converter.to_torch(weights(shipped(name).keras))
    for key, value in state.items():
        if "num_batches" not in key:
            assert np.array_equal(back[key], value), key


def test_the_quantized_detector_sees_what_the_trained_one_does() -> None:
    batch = data("ctpn")
    images = detector_torch.to_input(torch.from_numpy(batch["images"])).contiguous()
    with torch.inference_mode():
        logits, *_ = shipped("ctpn").torch.eval()(images)
    network = build("reference", "detector", threads=1)._network
    scores = network(images.numpy())[0]
    alike = np.corrcoef(scores.ravel(), torch.sigmoid(logits).numpy().ravel())[0, 1]
    assert alike > 0.97


@pytest.mark.parametrize("name", RECOGNIZERS)
def test_quantized_recognizers_read_what_the_trained_ones_do(name: str) -> None:
    from train.transfer.load_torch import load_recognizer

    crops = [c for c, _ in read_lines()]
    trained = load_recognizer(weight_file(name), name)(crops)
    options = {"decode": "greedy"}
    read = build(RECOGNIZERS[name], "recognizer", threads=1, options=options)(crops)
    ours, theirs = ("\n".join(line.text for line in lines) for lines in (trained, read))
    assert SequenceMatcher(None, ours, theirs, autojunk=False).ratio() > 0.95


@pytest.mark.parametrize(
    ("name", "decode"),
    [*((name, "greedy") for name in RECOGNIZERS), ("resnet-attention", "attention")],
)
def test_recognizers_of_the_papers_read_the_page(name: str, decode: str) -> None:
    crops, known = zip(*read_lines(), strict=True)
    read = build(RECOGNIZERS[name], "recognizer", threads=1, options={"decode": decode})(crops)
    ours, small = "\n".join(line.text for line in read), "\n".join(known)
    assert SequenceMatcher(None, ours, small, autojunk=False).ratio() > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_training_goes_on_from_the_shipped_weights_in_pytorch(name: str) -> None:
    batch = data(name)
    path = weight_file(name)
    fresh, network = (
        load_initial_weights(
            {"angle": VGG16Angle, "ctpn": VGG16CTPN}.get(
                name, lambda: row_of(name).make(Charset.load().classes)
            )(),
            init,
        )
        for init in (None, path)
    )
    torch.manual_seed(0)
    start = float(torch_loss(name, network.eval(), batch).detach())
    assert start < 0.5 * float(torch_loss(name, fresh.train(), batch).detach())
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=2e-5)
    for _ in range(2):
        value = torch_loss(name, network, batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    with torch.no_grad():
        assert float(torch_loss(name, network, batch)) < start


def keras_training(name: str, batch: Arrays) -> tuple[Any, Any, Any]:
    """The shipped network compiled with its loss, and a batch and its truth as it takes them."""
    network = shipped(name).keras
    if name == "angle":
        shape = angle_keras.make_shape(AngleRecipe(inverted=0.0), 0)
        return angle_keras.compiled(network, QUICK), *shape(batch, False)
    if name == "ctpn":
        model = ctpn_keras.compiled(network, QUICK, CtpnKerasRecipe())
        return model, *ctpn_keras.shape(batch, False)
    model = crnn_keras.compiled(network, QUICK, CrnnRecipe(sampled=None))
    model.join(1.0)
    return model, *crnn_keras.make_shape(2 if name == "densenet" else 1)(batch, False)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_loss_in_keras_is_pytorchs(name: str) -> None:
    batch = data(name)
    with torch.no_grad():
        ours = float(torch_loss(name, shipped(name).torch.eval(), batch))
    model, inputs, truth = keras_training(name, batch)
    theirs = model.compute_loss(x=inputs, y=truth, y_pred=model(inputs, training=False))
    assert float(theirs) == pytest.approx(ours, rel=2e-3, abs=1e-4)


def test_training_goes_on_from_the_shipped_weights_in_keras() -> None:
    """Of one network: that each learns in Keras is shown of narrow ones, which takes seconds."""
    model, inputs, truth = keras_training("angle", data("angle"))
    before, model.run_eagerly = weights(model), True
    try:
        first, last = (
            model.train_on_batch(inputs, truth, return_dict=True)["loss"] for _ in range(2)
        )
        assert last < first
    finally:
        set_weights(model, before)


def test_models_on_one_trunk_open_it_once_and_let_it_go() -> None:
    angle, detector = (build("reference", task, threads=1) for task in ("angle", "detector"))
    held = weakref.ref(angle._network._trunk)
    assert detector._network._trunk is held()
    other = build("reference", "angle", threads=2)
    assert other._network._trunk is not held(), "another number of threads needs its own"
    del angle, detector
    gc.collect()
    assert held() is None
