"""Skip the Han classes for lines without Han characters: nine tenths of the work of the recognizer's classifier.

A charset begins with the blank, ASCII, punctuation and signs: the short list. A tiny network, the gate, is fitted to
tell from the features of a step whether any class beyond the list could be there. In the file, every line gets the
log-probabilities of the short list, and those for which the gate opens get them of all classes, too, bit by bit
as before. Short lists of the likely words make large softmaxes fast in translation (Jean et al. 2015, §3.3).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from common.arrays import Floats
from common.characters import is_han
from ocr.onnx_runtime import import_onnxruntime

log = logging.getLogger("shortlist")

POSSIBLE = 0.01
"""Probability of all classes beyond the list together from which a step needs them: the search tries 0.003 and more
of single ones, beside one that is nearly as probable as all."""

GATE_THRESHOLD = -2.0
"""Logit from which the gate opens: better in vain than not at all. A file's input `alarm` sets another."""

HIDDEN = 32
STEPS, BATCH, RATE = 4000, 4096, 1e-2

NATS = 3.0
"""Steps whose probability is nearer than this to what is `POSSIBLE` matter less: either answer will do."""


class _ClassifierNodes(NamedTuple):
    """The nodes of a dynamically quantized linear layer and the softmax after it."""

    quantize: NodeProto
    scales: NodeProto
    product: NodeProto
    softmax: NodeProto
    bias: str

    @property
    def features(self) -> str:
        """Name of the layer's input in float, (N, T, D)."""
        return str(self.quantize.input[0])


def add(path: Path, batches: Iterable[Floats]) -> None:
    """Fit a gate and put it and the short list into an exported recognizer.

    Args:
        path: of an int8 file whose only output is `log_probs`, rewritten; its outputs are then `short` (N, T, K),
            `rows` (M,), the lines of the batch that may have more, and `log_probs` (M, T, C) of these. Its input
            `alarm` may be left out; -inf takes every line for one of them.
        batches: rendered lines, (N, 1, 32, W) each.

    Raises:
        ValueError: the file has a short list, or no int8 classifier.
    """
    model = onnx.load(str(path))
    kept = {p.key: p.value for p in model.metadata_props}
    config = json.loads(kept["config"])
    if config.get("shortlist") or [o.name for o in model.graph.output] != ["log_probs"]:
        raise ValueError(f"{path} gives more than log_probs; export it again without a short list")
    classifier = _find(model)
    plain = classes(config["charset"])
    if plain > len(config["charset"]):
        raise ValueError(f"{path} reads no Han characters: all of its classes are on the list")
    layers = _fit(_observe(model, classifier.features, batches, plain))
    _insert(model, classifier, plain, layers)
    helper.set_model_props(
        model, {**kept, "config": json.dumps({**config, "shortlist": True}, ensure_ascii=False)}
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def classes(charset: str) -> int:
    """Count the classes of the short list: the blank and what stands before the first Han character."""
    return 1 + next((i for i, c in enumerate(charset) if is_han(c)), len(charset))


def _find(model: ModelProto) -> _ClassifierNodes:
    """Find the layer that `log_probs` comes from."""
    made = {name: node for node in model.graph.node for name in node.output}
    constants = {t.name for t in model.graph.initializer}
    try:
        softmax = made["log_probs"]
        biased = made[softmax.input[0]]
        (bias,) = [name for name in biased.input if name in constants]
        (scaled,) = [made[name] for name in biased.input if name not in constants]
        cast, scales = (made[name] for name in scaled.input)
        product = made[cast.input[0]]
        quantize = made[product.input[0]]
    except (KeyError, ValueError):
        raise ValueError("log_probs do not come from a linear layer") from None
    kinds = [n.op_type for n in (quantize, product, cast, scales, biased, softmax)]
    expected = ["DynamicQuantizeLinear", "MatMulInteger", "Cast", "Mul", "Add", "LogSoftmax"]
    if kinds != expected:
        raise ValueError(f"log_probs come from {kinds}, expected {expected}: an int8 classifier")
    return _ClassifierNodes(quantize, scales, product, softmax, str(bias))


class _GateSamples(NamedTuple):
    """The steps of rendered lines."""

    features: list[torch.Tensor]
    """(T, D) float16 of each line."""
    beyond: list[torch.Tensor]
    """(T,), the logarithm of the probability of what is beyond the list."""


def _observe(
    model: ModelProto, features: str, batches: Iterable[Floats], plain: int
) -> _GateSamples:
    """Run a model on batches and keep what the gate sees and should tell."""
    seen = ModelProto()
    seen.CopyFrom(model)
    seen.graph.output.append(helper.make_tensor_value_info(features, TensorProto.FLOAT, None))
    runtime = import_onnxruntime()
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # it warns of every array that is kept for training alone
    session = runtime.InferenceSession(
        seen.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    lines = _GateSamples([], [])
    for batch in batches:
        log_probs, found = session.run(None, {"image": batch})
        lines.features.extend(torch.from_numpy(found).half())
        lines.beyond.extend(torch.from_numpy(log_probs[..., plain:]).logsumexp(2))
    return lines


def _fit(lines: _GateSamples) -> list[NDArray[Any]]:
    """Fit the gate to the steps of lines; a twentieth of these, the last ones, tell how it does.

    Returns:
        Weights and biases of two layers: (D, H), (H,), (H, 1), (1,).
    """
    last = len(lines.beyond) - max(1, len(lines.beyond) // 20)
    features, beyond = torch.cat(lines.features[:last]), torch.cat(lines.beyond[:last])
    mean, spread = features.float().mean(0), features.float().std(0) + 1e-6
    with torch.random.fork_rng():
        torch.manual_seed(0)
        gate = nn.Sequential(nn.Linear(len(mean), HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        optimizer = torch.optim.AdamW(gate.parameters(), RATE, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
        for _ in range(STEPS):
            chosen = torch.randint(len(beyond), (BATCH,))
            logits = gate((features[chosen].float() - mean) / spread)[:, 0]
            apart = beyond[chosen] - float(np.log(POSSIBLE))
            loss = nn.functional.binary_cross_entropy_with_logits(
                logits, (apart > 0).float(), (apart.abs() / NATS).clamp(max=1)
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        _report(lambda x: gate((x.float() - mean) / spread), lines, last)
    first, second = gate[0], gate[2]
    weight = (first.weight / spread).detach()
    bias = (first.bias - weight @ mean).detach()
    layers = weight.t(), bias, second.weight.detach().t(), second.bias.detach()
    return [np.ascontiguousarray(value.numpy()) for value in layers]


def _report(gate: Callable[[torch.Tensor], torch.Tensor], lines: _GateSamples, first: int) -> None:
    """Say how a gate does on the lines from `first` on."""
    with torch.no_grad():
        opened = [bool(gate(x).max() > GATE_THRESHOLD) for x in lines.features[first:]]
    most = [float(x.max().exp()) for x in lines.beyond[first:]]
    for name, low, high in (
        ("lines that are sure to have classes beyond the list", 0.5, 1.0),
        ("lines that may have some", POSSIBLE, 0.5),
        ("lines that have none", 0.0, POSSIBLE),
    ):
        of = [r for r, p in zip(opened, most, strict=True) if low < p <= high]
        log.info("the gate opens for %d of %d %s", sum(of), len(of), name)


def _insert(
    model: ModelProto, classifier: _ClassifierNodes, plain: int, layers: list[NDArray[Any]]
) -> None:
    """Put the gate and the short list before the classifier, which sees the lines that it lets through alone."""
    graph = model.graph
    constants = {t.name: t for t in graph.initializer}

    def constant(name: str, value: NDArray[Any]) -> str:
        graph.initializer.append(numpy_helper.from_array(value, f"shortlist/{name}"))
        return f"shortlist/{name}"

    def listed(name: str) -> str:
        """The part of a constant's last axis that the list takes."""
        value = numpy_helper.to_array(constants[name])[..., :plain]
        return constant(name, np.ascontiguousarray(value))

    nodes: list[NodeProto] = []

    def node(kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:  # noqa: ANN401
        output = output or f"shortlist/{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    first, first_bias, second, second_bias = (
        constant(f"alarm_{i}", value) for i, value in enumerate(layers)
    )
    hidden = node("Relu", node("Add", node("MatMul", classifier.features, first), first_bias))
    logits = node("Add", node("MatMul", hidden, second), second_bias)
    loudest = node("ReduceMax", logits, axes=[1, 2], keepdims=0)
    opened = node("NonZero", node("Greater", loudest, "alarm"))
    rows = node("Squeeze", opened, constant("axis", np.array([0])), output="rows")
    # A default that may be given: an input of the same name as a constant.
    graph.initializer.append(numpy_helper.from_array(np.array(GATE_THRESHOLD, np.float32), "alarm"))
    graph.input.append(helper.make_tensor_value_info("alarm", TensorProto.FLOAT, []))

    quantized, weight, zero, weight_zero = classifier.product.input
    scales = node("Mul", classifier.scales.input[0], listed(classifier.scales.input[1]))
    product = node("MatMulInteger", quantized, listed(weight), zero, listed(weight_zero))
    scaled = node("Mul", node("Cast", product, to=TensorProto.FLOAT), scales)
    biased = node("Add", listed(classifier.bias), scaled)
    node("LogSoftmax", biased, output="short", axis=-1)
    classifier.product.input[0] = node("Gather", quantized, rows, axis=0)

    place = list(graph.node).index(classifier.quantize) + 1
    for i, made in enumerate(nodes):
        graph.node.insert(place + i, made)
    whole = graph.output.pop()
    short = helper.make_tensor_value_info("short", TensorProto.FLOAT, ["N", "T", plain])
    graph.output.extend(
        [short, helper.make_tensor_value_info("rows", TensorProto.INT64, ["M"]), whole]
    )
    whole.type.tensor_type.shape.dim[0].dim_param = "M"
