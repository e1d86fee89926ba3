"""A recognizer that learns from another one: features of a trained network as targets at every time step.

    python -m train.crnn_torch --run ~/runs/paper --arch crnn --teacher weights/crnn-small.safetensors ...

A network that starts from nothing learns seven thousand shapes from one right class a step, most of which are
blank. What a trained network hands to its own classifier says more: a few hundred numbers a step, which also tell
what a shape resembles (Romero et al. 2015, "FitNets"; Hinton et al. 2015). The pupil's features go through a linear
layer into the teacher's classifier. Both layers are linear, so they end as one: `merged` returns the weights of the
plain network.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from crnn.model_torch import SmallCRNN
from crnn.preprocess import STRIDE
from train import compact


def load_teacher(path: Path) -> SmallCRNN:
    """Load the small recognizer that teaches, frozen.

    Raises:
        ValueError: these are no weights of that network.
    """
    state = {name: torch.from_numpy(value) for name, value in compact.load(path).items()}
    network = SmallCRNN(len(state.get("classify.bias", ())))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(
            f"{path} holds no weights of the small recognizer; give weights/crnn-small.safetensors"
        ) from error
    return network.eval().requires_grad_(False)


class Pupil(nn.Module):
    """A network whose features are brought into those of a teacher, and classified by its classifier.

    Args:
        student: with `features` and a linear layer `classify`, which is taken out until `merged`.
        teacher: whose classifier is copied, to be trained on.

    Raises:
        ValueError: the student's time steps are not the teacher's.
    """

    def __init__(self, student: nn.Module, teacher: SmallCRNN) -> None:
        super().__init__()
        stride = getattr(student, "stride", STRIDE)
        if stride != STRIDE:
            raise ValueError(
                f"a step of this network is {stride} columns and one of the teacher {STRIDE}: choose another --arch"
            )
        head = teacher.classify
        self.join = nn.Linear(student.classify.in_features, head.in_features)
        self.student = student
        self.student.classify = nn.Identity()
        self.classify = nn.Linear(head.in_features, head.out_features)
        self.classify.load_state_dict(head.state_dict())

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to the classifier's input (N, T, D), as the teacher's `features`."""
        out: Tensor = self.join(self.student.features(lines))
        return out

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to logits (N, T, C)."""
        out: Tensor = self.classify(self.features(lines))
        return out


def feature_loss(features: Tensor, taught: Tensor, steps: Tensor) -> Tensor:
    """Squared distance to the teacher's features over the steps of the lines, as a share of their spread.

    Args:
        features: (N, T, D).
        taught: (N, T, D), of the teacher.
        steps: (N,) time steps of each line; what is beyond is padding.
    """
    inside = torch.arange(features.shape[1], device=steps.device)[None] < steps[:, None]
    pupil, teacher = features[inside].float(), taught[inside].float()
    spread = teacher.var(0, unbiased=False).sum().clamp(min=1e-6)
    return (pupil - teacher).square().sum(1).mean() / spread


def is_pupil(state: compact.Weights) -> bool:
    """Say whether weights are of a `Pupil`."""
    return "join.weight" in state and any(name.startswith("student.") for name in state)


def merged(state: compact.Weights) -> compact.Weights:
    """Return the weights of the plain network from those of a `Pupil`: two linear layers become one.

    Raises:
        ValueError: these are no weights of a pupil.
    """
    if not is_pupil(state):
        raise ValueError("these are no weights of a run with --teacher")
    part = "student."
    own = {name.removeprefix(part): w for name, w in state.items() if name.startswith(part)}
    weight, bias = state["classify.weight"], state["classify.bias"]
    own["classify.weight"] = weight @ state["join.weight"]
    own["classify.bias"] = weight @ state["join.bias"] + bias
    return own
