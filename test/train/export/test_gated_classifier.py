"""A short list changes no number but those of lines with nothing beyond it; its gate tells which these are."""

import functools
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

import ocr
from common.image import load
from crnn.model_torch import LogProbabilities, SmallCRNN
from ocr.onnx_runtime import OnnxNetwork
from ocr.weights import WEIGHTS
from train.export import gated_classifier
from train.export.models import Export
from train.export.onnx_file import make
from train.transfer import onnx_weights

pytestmark = [
    pytest.mark.torch,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # the exporter warns about itself
]

CHARSET = "ab，" + "".join(chr(0x4E00 + i) for i in range(12))
PLAIN = 4
EVERY, NONE = np.array(-np.inf, np.float32), np.array(np.inf, np.float32)


def lines(count: int, seed: int) -> list[np.ndarray]:
    """Batches of noise of several loudnesses: what a random network makes of them differs."""
    rng = np.random.default_rng(seed)
    loud = [rng.choice([0.1, 3.0], (4, 1, 1, 1)) for _ in range(count)]
    return [(rng.normal(size=(4, 1, 32, 64)) * scale).astype(np.float32) for scale in loud]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow int8 recognizer for which loud lines are Han characters and quiet ones are letters."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = SmallCRNN(1 + len(CHARSET), widths=(8, 8, 8, 8), hidden=8).eval()
    with torch.no_grad():
        for kernels in (p for p in network.parameters() if p.ndim == 4):
            kernels.mul_(3)  # untrained ones would hand on next to nothing
        features: dict[bool, list[torch.Tensor]] = {True: [], False: []}
        for batch in lines(20, 1):
            for line in torch.from_numpy(batch):
                features[bool(line.std() > 1)].append(network.features(line[None])[0])
        loud, quiet = (torch.cat(features[kind]).mean(0) for kind in (True, False))
        across = (loud - quiet) / (loud - quiet).square().sum()
        network.classify.weight.mul_(0.1)
        network.classify.weight[PLAIN:] += 16 * across
        network.classify.bias.zero_()
        network.classify.bias[PLAIN:] -= 16 * (across @ (loud + quiet) / 2)
    axes = {"image": {0: "N", 3: "W"}, "log_probs": {0: "N", 1: "T"}}
    made = Export(
        network, LogProbabilities, ("log_probs",), axes, {"charset": CHARSET}, lambda: iter(lines(3, 0)),
        classifier=True,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("export")
    path = make(made, folder, quantized=True)
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    onnx_weights.write_parameter_map(path, state)
    return path


def run(path: Path, batch: np.ndarray, **settings: np.ndarray) -> tuple[np.ndarray, ...]:
    return OnnxNetwork(path.read_bytes(), path.name, 1, "cpu")(batch, **settings)


@pytest.fixture(scope="module")
def listed(exported: Path) -> Path:
    path = exported.with_name("listed.onnx")
    path.write_bytes(exported.read_bytes())
    gated_classifier.add(path, lines(60, 3))
    return path


def test_open_gate_gives_all_classes_bit_for_bit(exported: Path, listed: Path) -> None:
    for batch in lines(3, 7):
        (before,) = run(exported, batch)
        short, rows, whole = run(listed, batch, alarm=EVERY)
        assert rows.tolist() == [0, 1, 2, 3]
        assert np.array_equal(whole, before)
        part = before[..., :PLAIN]
        alone = part - np.logaddexp.reduce(part, axis=2, keepdims=True)
        np.testing.assert_allclose(short, alone, atol=1e-5)


def test_closed_gate_classifies_no_line_in_full(listed: Path) -> None:
    short, rows, whole = run(listed, lines(1, 7)[0], alarm=NONE)
    assert rows.shape == (0,) and whole.shape == (0, 16, 1 + len(CHARSET))
    assert short.shape == (4, 16, PLAIN)


def test_gate_opens_for_lines_that_need_all_classes(exported: Path, listed: Path) -> None:
    needed, spared = [], []
    for batch in lines(30, 11):
        (before,) = run(exported, batch)
        most = np.exp(np.logaddexp.reduce(before[..., PLAIN:], axis=2)).max(axis=1)
        _, rows, whole = run(listed, batch)
        raised = np.isin(np.arange(len(batch)), rows)
        needed.extend(raised[most > 0.5])
        spared.extend(~raised[most < gated_classifier.POSSIBLE])
        assert np.array_equal(whole, before[rows])
    assert len(needed) > 20 and all(needed)
    assert len(spared) > 20 and np.mean(spared) > 0.9


def test_training_goes_on_from_the_same_weights(exported: Path, listed: Path) -> None:
    before, after = onnx_weights.load(exported), onnx_weights.load(listed)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_files_that_cannot_have_a_gate_are_refused(
    exported: Path, listed: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="more than log_probs"):
        gated_classifier.add(listed, [])
    model = onnx.load(str(exported))
    onnx.helper.set_model_props(model, {"config": json.dumps({"charset": "ab，"})})
    latin = tmp_path / "latin.onnx"
    onnx.save(model, str(latin))
    with pytest.raises(ValueError, match="reads no Han"):
        gated_classifier.add(latin, [])
    (softmax,) = (n for n in model.graph.node if n.op_type == "LogSoftmax")
    softmax.op_type = "Softmax"
    onnx.helper.set_model_props(model, {"config": json.dumps({"charset": CHARSET})})
    onnx.save(model, str(latin))
    with pytest.raises(ValueError, match="expected .*LogSoftmax"):
        gated_classifier.add(latin, [])


@pytest.mark.parametrize("name", ["page", "receipt", "sign"])
def test_gated_shipped_recognizer_reads_as_without_gate(name: str) -> None:
    picture = load(Path(__file__).resolve().parents[2] / "data" / f"{name}.png")
    reader = ocr.load(threads=1)
    recognizer = reader.models.recognizer
    read = reader.read(picture, angle=False)
    plain = recognizer.network  # type: ignore[attr-defined]
    recognizer.network = functools.partial(plain, alarm=EVERY)  # type: ignore[attr-defined]
    assert reader.read(picture, angle=False).text == read.text
    seen = {}

    def network(batch: np.ndarray) -> tuple[np.ndarray, ...]:
        outputs = plain(batch)
        seen[len(seen)] = len(batch), len(outputs[1])
        return tuple(outputs)

    recognizer.network = network  # type: ignore[attr-defined]
    reader.read(picture, angle=False)
    raised = sum(rows for _, rows in seen.values())
    han = sum(bool(re.search("[\u4e00-\u9fff]", line.text)) for line in read.lines)
    assert bool(raised) == bool(han)
    if name == "receipt":  # mostly prices
        assert raised < sum(count for count, _ in seen.values())


def test_shipped_charset_begins_with_what_is_no_han_character() -> None:
    config = json.loads(
        OnnxNetwork((WEIGHTS / "crnn-small.onnx").read_bytes(), "small", 1, "cpu").metadata()[
            "config"
        ]
    )
    assert config["shortlist"] is True
    assert gated_classifier.classes(config["charset"]) == 244
    assert gated_classifier.classes("ab") == 3
