"""Export the papers' recognizers that were distilled: trunks of convolutions, and heads.

    python -m train.export.distilled_crnn crnn weights/crnn-reference.onnx ~/runs/gru/last.safetensors --corpus ...
    python -m train.export.distilled_crnn resnet ~/runs/resnet/last.safetensors --corpus ...

The first writes `crnn-trunk.onnx` and on it `crnn-reference.onnx` (LSTM) and `crnn-gru.onnx`, which learned with
`--keep-trunk`. The second writes `resnet-trunk.onnx` and `crnn-resnet-attention.onnx`, which gives what attention reads
and the probabilities of CTC: `--decode` chooses. Classifiers stay two thin layers (`distill_torch`).
"""

from __future__ import annotations

import argparse
import copy
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from common.arrays import Floats
from crnn.model_torch import SmallCRNN
from ocr.weights.file import is_onnx
from recognition import row_of
from recognition.charset import Charset
from recognition.tied_attention_torch import SharedOut, SharedRows
from train.export.models import Export, ExportOptions, add_options, recognizer_inputs
from train.export.shared_trunk import ExportedFile, write
from train.transfer import freeze_torch, onnx_weights, quantized_weights
from train.transfer.distill_torch import DistilledStudent
from train.transfer.merge_student import STUDENT, is_distilled

LINES = {0: "N", 3: "W"}
STEPS = {0: "N", 1: "T"}
FOUND = {0: "N", 1: "L"}
TRUNKS = {"crnn": freeze_torch.TRUNK_LAYERS, "resnet": ("conv", "norm", "stage", "rnn")}
"""How the names of a trunk's layers begin. Attention's own loop cannot be traced, recurrent layers can."""


class Trunk(nn.Module):
    """Lines (N, 1, 32, W) to what the heads share, (N, T, D): maps, or the features that attention looks at."""

    def __init__(self, distilled: DistilledStudent) -> None:
        super().__init__()
        self.network, self.has_attention = distilled.student, distilled.has_attention

    def forward(self, lines: Tensor) -> Tensor:
        """Return maps or features."""
        out: Tensor = (self.network.features if self.has_attention else self.network.maps)(lines)
        return out


class Head(nn.Module):
    """Maps (N, T, D) to log-probabilities (N, T, C)."""

    def __init__(self, distilled: DistilledStudent) -> None:
        super().__init__()
        self.distilled = distilled

    def forward(self, maps: Tensor) -> Tensor:
        """Return log-probabilities."""
        features = self.distilled.join(self.distilled.student.context(maps))
        return torch.log_softmax(self.distilled.classify(features), 2)


class EitherHead(nn.Module):
    """Features (N, T, D) to what attention reads (`recognition.attention`) and log-probabilities of CTC."""

    def __init__(self, distilled: DistilledStudent) -> None:
        super().__init__()
        rows = nn.Parameter(distilled.classify.weight.t().contiguous(), requires_grad=False)
        bias = nn.Parameter(distilled.classify.bias.clone(), requires_grad=False)
        self.attention = copy.deepcopy(distilled.student.attention)
        self.attention.embed = SharedRows(self.attention.embed.project, rows)
        self.attention.out = SharedOut(self.attention.out.project, rows, bias)
        self.ctc = SharedOut(copy.deepcopy(distilled.join), rows, bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return classes, their log-probabilities, their places, and log-probabilities (N, T, C)."""
        labels, log_probs, places = self.attention(features)
        return labels, log_probs, places, torch.log_softmax(self.ctc(features), 2)


def load_distilled(path: Path, family: str) -> DistilledStudent:
    """Load a network that learned with a teacher, with its thin layers.

    Raises:
        ValueError: these are no weights of such a network of the family.
    """
    state = onnx_weights.load(path, merged=False) if is_onnx(path) else quantized_weights.load(path)
    if not is_distilled(state):
        raise ValueError(f"{path} holds no weights of a run with --teacher")
    classes = len(state["classify.bias"])
    last = state.get(f"{STUDENT}rnn2.weight_hh_l0", np.zeros((4, 1), np.float32))
    rnn = "crnn-gru" if len(last) == 3 * last.shape[1] else "crnn"
    arch = {"crnn": rnn, "resnet": "resnet-attention"}[family]
    distilled = DistilledStudent(row_of(arch).make(classes), SmallCRNN(classes))
    try:
        distilled.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    except RuntimeError as error:
        raise ValueError(f"{path} holds no weights of {arch}: {str(error)[:200]}") from error
    return distilled.eval().requires_grad_(False)


def parts(
    family: str, students: list[DistilledStudent], options: ExportOptions
) -> dict[str, ExportedFile]:
    """Return what becomes of each part, by the name of its file.

    Raises:
        ValueError: the networks' convolutions differ.
    """
    states = [{n: v.numpy() for n, v in distilled.state_dict().items()} for distilled in students]
    begins = tuple(STUDENT + begin for begin in TRUNKS[family])
    trunks = [{n: v for n, v in state.items() if n.startswith(begins)} for state in states]
    for other in trunks[1:]:
        far = max(float(np.abs(other[n] - v).max()) for n, v in trunks[0].items() if v.ndim)
        if far > 1e-3:
            raise ValueError(f"the convolutions differ by {far:.2g}: train with --keep-trunk")
    lines = list(recognizer_inputs(options))
    trunk = Trunk(students[0])

    def maps() -> Iterator[Floats]:
        for batch in lines[:3]:
            with torch.inference_mode():
                yield trunk(torch.from_numpy(batch)).numpy()

    axes = {"image": LINES, "maps": STEPS}
    row: dict[str, Any] = {"data": options.data}
    made = {
        f"{family}-trunk": ExportedFile(
            Export(trunk, _same, ("maps",), axes, {}, lambda: iter(lines)),
            {n.removeprefix(STUDENT): v for n, v in trunks[0].items()},
            row | {"name": family, "task": "trunk", "package": "crnn"},
        )
    }
    for distilled, state in zip(students, states, strict=True):
        name = _name(distilled)
        own = {n: v for n, v in state.items() if not n.startswith(begins)}
        part = row | {"name": name, "task": "recognizer", "package": "crnn", "trunk": family}
        file = f"crnn-{name.removeprefix('crnn-')}"
        made[file] = ExportedFile(_head(distilled, maps), own, part, quantized=False)
    return made


def _same(network: nn.Module) -> nn.Module:
    return network


def _name(distilled: DistilledStudent) -> str:
    if distilled.has_attention:
        return "resnet-attention"
    return "crnn-gru" if isinstance(distilled.student.rnn1, nn.GRU) else "reference"


def _head(distilled: DistilledStudent, maps: Any) -> Export:  # noqa: ANN401
    charset = Charset.of_classes(len(distilled.classify.bias))
    config: dict[str, Any] = {"charset": "".join(charset.characters)}
    axes = {"image": STEPS, "log_probs": STEPS}
    if not distilled.has_attention:
        return Export(Head(distilled), _same, ("log_probs",), axes, config, maps)
    outputs = ("labels", "label_log_probs", "places", "log_probs")
    axes |= dict.fromkeys(outputs[:3], FOUND)
    config["decoder"] = "either"
    # How often attention goes round is decided while it reads: a trace would not show that.
    return Export(EitherHead(distilled), torch.jit.script, outputs, axes, config, maps)


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("family", choices=sorted(TRUNKS))
    parser.add_argument("weights", type=Path, nargs="+", help="networks with the same convolutions")
    add_options(parser, 30, "batches")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    students = [load_distilled(path, args.family) for path in args.weights]
    write(
        parts(args.family, students, ExportOptions.from_arguments(args)),
        f"{args.family}-trunk",
        args.out,
    )


if __name__ == "__main__":
    main()
