"""Coefficients that are fitted find again what lines were made by, and come back out of a file."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from recognition.confidence import Confidence
from train.export.confidence import Answers, error, fit, write

TRUE = Confidence(-1.5, 0.8, 0.4, -2.0)


def answers(count: int, seed: int) -> Answers:
    rng = np.random.default_rng(seed)
    seen = rng.normal((-2, 2, -1.5), (1.5, 0.7, 1), (count, 3)).astype(np.float32)
    likely = 1 / (1 + np.exp(-(seen @ np.array(TRUE[:3]) + TRUE.constant)))
    return Answers(seen, rng.random(count) < likely)


def test_fit_recovers_known_coefficients() -> None:
    fitted = fit(answers(20_000, 1))
    assert np.allclose(fitted, TRUE, atol=0.15)
    assert error(fitted, answers(20_000, 2)) < 0.02
    assert error(fitted._replace(constant=fitted.constant + 2), answers(20_000, 2)) > 0.1


@pytest.mark.parametrize("right", [True, False])
def test_lines_all_right_or_all_wrong_are_refused(right: bool) -> None:
    with pytest.raises(ValueError, match="all alike"):
        fit(Answers(np.zeros((5, 3), np.float32), np.full(5, right)))


def test_a_file_keeps_the_rest_of_its_configuration(tmp_path: Path) -> None:
    maps = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", maps[:1], maps[1:])
    model = helper.make_model(graph)
    helper.set_model_props(model, {"config": json.dumps({"charset": "字"}), "parameters": "{}"})
    source, out = tmp_path / "a.onnx", tmp_path / "b.onnx"
    onnx.save(model, str(source))
    write(source, out, TRUE)
    kept = {p.key: p.value for p in onnx.load(str(out)).metadata_props}
    assert kept["parameters"] == "{}"
    assert json.loads(kept["config"]) == {"charset": "字", "confidence": list(TRUE)}
