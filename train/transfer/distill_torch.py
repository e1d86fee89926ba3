"""A recognizer that learns from another one: features of a trained network as targets at every time step.

    python -m train.recognizer_torch --run ~/runs/paper --method crnn-reference --teacher weights/crnn-small.onnx ...

A network that starts from nothing learns seven thousand shapes from one right class a step, most of which are
blank. What a trained network hands to its own classifier says more: a few hundred numbers a step, which also tell
what a shape resembles (Romero et al. 2015, "FitNets"; Hinton et al. 2015). The pupil's features go through a linear
layer into the teacher's classifier. Both layers are linear, so they may end as one:
`merge_student.merged` returns the weights of the plain network. Attention reads and writes characters through
the same classifier (Press & Wolf 2017, "Using the Output Embedding"), which then is there once and not three times.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor, nn

from crnn.model_torch import SmallCRNN
from recognition.preprocess import STRIDE
from train.transfer import quantized_weights


def load_teacher(path: Path) -> SmallCRNN:
    """Load the small recognizer that teaches, frozen.

    Raises:
        ValueError: these are no weights of that network.
    """
    state = {name: torch.from_numpy(value) for name, value in quantized_weights.load(path).items()}
    network = SmallCRNN(len(state.get("classify.bias", ())))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(
            f"{path} holds no weights of the small recognizer; give weights/crnn-small.onnx"
        ) from error
    return network.eval().requires_grad_(False)


class Rows(nn.Module):
    """A table of characters made of a classifier's rows, each brought to another width."""

    def __init__(self, classify: nn.Linear, width: int) -> None:
        super().__init__()
        self.bring = nn.Linear(classify.in_features, width, bias=False)
        # In a tuple, so that it is no part of this module too: its weights would be there twice.
        self._classify = (classify,)

    def forward(self, labels: Tensor) -> Tensor:
        """Map classes (...) to (..., width); the classifier does not learn from it."""
        out: Tensor = self.bring(self._classify[0].weight.detach()[labels])
        return out


class Through(nn.Module):
    """A linear layer into a classifier that does not learn from it."""

    def __init__(self, inputs: int, classify: nn.Linear) -> None:
        super().__init__()
        self.bring = nn.Linear(inputs, classify.in_features)
        self._classify = (classify,)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to logits (..., C)."""
        (classify,) = self._classify
        return F.linear(self.bring(x), classify.weight.detach(), classify.bias.detach())


class Pupil(nn.Module):
    """A network whose features are brought into those of a teacher, and classified by its classifier.

    Args:
        student: with `features` and a linear layer `classify`, which is taken out until they are merged.
        teacher: whose classifier is copied, to be trained on.

    A step of the student may be several of the teacher's.
    """

    def __init__(self, student: nn.Module, teacher: SmallCRNN) -> None:
        super().__init__()
        self.stride: int = getattr(student, "stride", STRIDE)
        head = teacher.classify
        self.join = nn.Linear(student.classify.in_features, head.in_features)
        self.student = student
        self.student.classify = nn.Identity()
        self.classify = nn.Linear(head.in_features, head.out_features)
        self.classify.load_state_dict(head.state_dict())
        self.attends = hasattr(student, "attention")
        if self.attends:
            attention = student.attention
            attention.embed = Rows(self.classify, attention.hidden)
            attention.out = Through(attention.out.in_features, self.classify)

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to the classifier's input (N, T, D), as the teacher's `features`."""
        return self.both(lines)[0]

    @property
    def attention(self) -> nn.Module:
        """What reads by attention, of a student that does."""
        return self.student.attention

    def both(self, lines: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 1, 32, W) to the classifier's input, as `features`, and to what attention looks at."""
        seen: Tensor = self.student.features(lines)
        return self.join(seen), seen

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to logits (N, T, C)."""
        out: Tensor = self.classify(self.features(lines))
        return out


def telling_steps(features: Tensor, classify: nn.Linear, factor: int) -> Tensor:
    """Choose of every `factor` steps the one that is least of a blank.

    Args:
        features: (N, T, D), T a multiple of the factor.
        classify: of the teacher; class 0 is the blank.
        factor: steps of the teacher in one of the pupil.

    Returns:
        (N, T / factor, D).
    """
    if factor == 1:
        return features
    groups = features.unflatten(1, (-1, factor))
    blank = groups @ classify.weight[0].to(groups.dtype)
    best = blank.argmin(2)[:, :, None, None].expand(-1, -1, 1, groups.shape[3])
    return groups.gather(2, best)[:, :, 0]


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
