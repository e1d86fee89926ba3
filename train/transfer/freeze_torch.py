"""What is trained already, under what is to be trained: taken over, and left as it is.

    python -m train.recognizer_torch --method crnn-gru --keep-trunk weights/crnn-reference.onnx --teacher ...
    python -m train.recognizer_torch --method resnet-attention --keep-trunk weights/crnn-resnet-attention.onnx ...

The convolutions are two thirds of a CRNN. A second one that keeps them learns in half the time, and both are
shipped on one trunk (`distilled_crnn`). The ResNet keeps all but its attention: what CTC reads stays what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from common.layers_torch import BN_EPS
from crnn.model_torch import CRNN
from train.transfer import onnx_weights, quantized_weights
from train.transfer.distill_torch import Pupil
from train.transfer.merge_student import STUDENT

TRUNK = ("conv", "norm")
"""How the names of the layers begin that stand before the recurrent ones."""

_ATTENTION = f"{STUDENT}attention."


class KeptNorm(nn.BatchNorm2d):
    """A batch norm that goes by the statistics it has, in training too."""

    def train(self, mode: bool = True) -> KeptNorm:
        """Stay as it is deployed, whatever the mode."""
        super().train(False)
        return self


def keep(network: nn.Module, path: Path) -> None:
    """Give a network what `--keep-trunk` names, not to be trained.

    Raises:
        ValueError: the weights are of another network, or there is nothing to keep of this one.
    """
    if isinstance(network, Pupil) and network.attends:
        _keep_all_but_attention(network, path)
    else:
        keep_trunk(network.student if isinstance(network, Pupil) else network, path)


def _keep_all_but_attention(pupil: Pupil, path: Path) -> None:
    known = (
        onnx_weights.load(path, thin=True)
        if path.suffix == ".onnx"
        else quantized_weights.load(path)
    )
    own = pupil.state_dict()
    # Attention begins from what is there, too; what it has learned to do since begins from nothing.
    foreign = [n for n, v in known.items() if n not in own or own[n].shape != v.shape]
    missing = [n for n in own if n not in known and not n.startswith(_ATTENTION)]
    if foreign or missing:
        raise ValueError(
            f"{path} holds no weights of a run with --teacher that this network could keep: it has {foreign[:3]} "
            f"and lacks {missing[:3]}"
        )
    _keep_norms(pupil)
    pupil.load_state_dict(own | {name: torch.from_numpy(value) for name, value in known.items()})
    for name, parameter in pupil.named_parameters():
        parameter.requires_grad_(name.startswith(_ATTENTION))


def keep_trunk(network: nn.Module, path: Path) -> None:
    """Give a network the convolutions of a trained one, not to be trained.

    Raises:
        ValueError: either is no CRNN as in the paper.
    """
    if not isinstance(network, CRNN):
        raise ValueError(
            "--keep-trunk is for --arch crnn and crnn-gru, and with --teacher for resnet-attention"
        )
    own = {name: value for name, value in network.state_dict().items() if name.startswith(TRUNK)}
    known = quantized_weights.load(path)
    if any(known[n].shape != v.shape if n in known else True for n, v in own.items()):
        raise ValueError(
            f"{path} holds no convolutions of a CRNN; give weights/crnn-reference.onnx"
        )
    _keep_norms(network)
    kept = {name: torch.from_numpy(known[name]) for name in own}
    network.load_state_dict(network.state_dict() | kept)
    for name, parameter in network.named_parameters():
        if name.startswith(TRUNK):
            parameter.requires_grad_(False)


def freeze(network: nn.Module, parts: Sequence[str]) -> None:
    """Leave parts of a network as they are, their batch norms too, and train the rest.

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
            kept = KeptNorm(layer.num_features, eps=layer.eps).requires_grad_(False)
            kept.load_state_dict(layer.state_dict())
            above, _, last = name.rpartition(".")
            setattr(modules[above], last, kept.train())


def _keep_norms(network: nn.Module) -> None:
    for name, layer in list(network.named_children()):
        if isinstance(layer, nn.BatchNorm2d):
            setattr(network, name, KeptNorm(layer.num_features, eps=BN_EPS))
        else:
            _keep_norms(layer)
