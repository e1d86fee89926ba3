"""Load and freeze a trained part of a network, so that only the rest is trained.

    python -m train.recognizer_torch --method crnn-gru --keep-trunk weights/crnn-reference.onnx --teacher ...
    python -m train.recognizer_torch --method resnet-attention --keep-trunk weights/crnn-resnet-attention.onnx ...

The convolutions are two thirds of a CRNN. A second CRNN that freezes them trains in half the time, and both are
shipped on one trunk (`distilled_crnn`). The ResNet freezes all but its attention: what CTC reads does not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from common.batch_norm import EPS
from crnn.model_torch import CRNN
from ocr.weights.file import is_onnx
from train.transfer import onnx_weights, quantized_weights
from train.transfer.distill_torch import DistilledStudent
from train.transfer.merge_student import STUDENT

TRUNK_LAYERS = ("conv", "norm")
"""Prefixes of the names of the layers before the recurrent ones."""

_ATTENTION = f"{STUDENT}attention."


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """A batch norm that uses its stored statistics in training too."""

    def train(self, mode: bool = True) -> FrozenBatchNorm2d:
        """Stay in evaluation mode."""
        super().train(False)
        return self


def load_and_freeze(network: nn.Module, path: Path) -> None:
    """Load what `--keep-trunk` names into a network and freeze it.

    Raises:
        ValueError: the weights are of another network, or this one has no part that can be frozen.
    """
    if isinstance(network, DistilledStudent) and network.has_attention:
        _freeze_all_but_attention(network, path)
    else:
        freeze_trunk(network.student if isinstance(network, DistilledStudent) else network, path)


def _freeze_all_but_attention(student: DistilledStudent, path: Path) -> None:
    known = onnx_weights.load(path, merged=False) if is_onnx(path) else quantized_weights.load(path)
    own = student.state_dict()
    # Attention starts from its weights too; parameters that the file does not have stay random.
    foreign = [n for n, v in known.items() if n not in own or own[n].shape != v.shape]
    missing = [n for n in own if n not in known and not n.startswith(_ATTENTION)]
    if foreign or missing:
        raise ValueError(
            f"{path} holds no weights of a run with --teacher that this network could freeze: it has {foreign[:3]} "
            f"and lacks {missing[:3]}"
        )
    _freeze_norms(student)
    student.load_state_dict(own | {name: torch.from_numpy(value) for name, value in known.items()})
    for name, parameter in student.named_parameters():
        parameter.requires_grad_(name.startswith(_ATTENTION))


def freeze_trunk(network: nn.Module, path: Path) -> None:
    """Load the convolutions of a trained network and freeze them.

    Raises:
        ValueError: either is no CRNN as in the paper.
    """
    if not isinstance(network, CRNN):
        raise ValueError(
            "--keep-trunk is for --arch crnn and crnn-gru, and with --teacher for resnet-attention"
        )
    own = {
        name: value for name, value in network.state_dict().items() if name.startswith(TRUNK_LAYERS)
    }
    known = quantized_weights.load(path)
    if any(known[n].shape != v.shape if n in known else True for n, v in own.items()):
        raise ValueError(
            f"{path} holds no convolutions of a CRNN; give weights/crnn-reference.onnx"
        )
    _freeze_norms(network)
    kept = {name: torch.from_numpy(known[name]) for name in own}
    network.load_state_dict(network.state_dict() | kept)
    for name, parameter in network.named_parameters():
        if name.startswith(TRUNK_LAYERS):
            parameter.requires_grad_(False)


def freeze(network: nn.Module, parts: Sequence[str]) -> None:
    """Freeze parts of a network, their batch norms too.

    Args:
        network: changed in place.
        parts: names of modules, for example "stem" or "stage2.0".

    Raises:
        ValueError: the network has no such part.
    """
    modules = dict(network.named_modules())
    for part in parts:
        if part not in modules:
            known = ", ".join(name for name, _ in network.named_children())
            raise ValueError(f"there is no {part!r} to freeze, expected some of {known}")
        modules[part].requires_grad_(False)
    for name, layer in modules.items():
        if isinstance(layer, nn.BatchNorm2d) and f"{name}.".startswith(
            tuple(f"{p}." for p in parts)
        ):
            kept = FrozenBatchNorm2d(layer.num_features, eps=layer.eps).requires_grad_(False)
            kept.load_state_dict(layer.state_dict())
            above, _, last = name.rpartition(".")
            setattr(modules[above], last, kept.train())


def _freeze_norms(network: nn.Module) -> None:
    for name, layer in list(network.named_children()):
        if isinstance(layer, nn.BatchNorm2d):
            setattr(network, name, FrozenBatchNorm2d(layer.num_features, eps=EPS))
        else:
            _freeze_norms(layer)
