"""Distill a recognizer from a trained one: the teacher's features are targets at every time step.

    python -m train.recognizer_torch --run ~/runs/paper --method crnn-reference --teacher weights/crnn-small.onnx ...

Labels give a random network one class a step, mostly blank, to learn seven thousand shapes from. The input of a trained
network's classifier says more: a few hundred numbers a step, which also tell what a shape resembles (Romero et al.
2015, "FitNets"; Hinton et al. 2015). The student's features go through a linear layer into the teacher's classifier.
Two linear layers can be merged into one: `merge_student.merge` returns the weights of the plain network. The input
and output embeddings of attention are tied to the same classifier (Press & Wolf 2017, "Using the Output Embedding"),
which is then stored once and not three times.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from crnn.model_torch import SmallCRNN
from recognition.preprocess import STRIDE
from recognition.tied_attention_torch import TiedEmbedding, TiedProjection
from train.transfer import quantized_weights


def load_teacher(path: Path) -> SmallCRNN:
    """Load the small recognizer as a frozen teacher.

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


class DistilledStudent(nn.Module):
    """A student network whose features are projected onto a teacher's and classified by its classifier.

    Args:
        student: with `features` and a linear layer `classify`, which is taken out until `merge_student.merge`.
        teacher: its classifier is copied and trained further.

    One time step of the student may cover several of the teacher's.
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
        self.has_attention = hasattr(student, "attention")
        if self.has_attention:
            attention = student.attention
            attention.embed = TiedEmbedding(self.classify, attention.hidden)
            attention.out = TiedProjection(attention.out.in_features, self.classify)

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to the classifier's input (N, T, D), as the teacher's `features`."""
        return self.joint_features(lines)[0]

    @property
    def attention(self) -> nn.Module:
        """Return the attention decoder of a student that has one."""
        return self.student.attention

    def joint_features(self, lines: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 1, 32, W) to the classifier's input, as `features`, and to the student's own features."""
        own: Tensor = self.student.features(lines)
        return self.join(own), own

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to logits (N, T, C)."""
        out: Tensor = self.classify(self.features(lines))
        return out


def select_informative_steps(features: Tensor, classify: nn.Linear, factor: int) -> Tensor:
    """Select from every `factor` steps the one that is least likely a blank.

    Args:
        features: (N, T, D), T a multiple of the factor.
        classify: of the teacher; class 0 is the blank.
        factor: steps of the teacher in one of the student.

    Returns:
        (N, T / factor, D).
    """
    if factor == 1:
        return features
    groups = features.unflatten(1, (-1, factor))
    blank = groups @ classify.weight[0].to(groups.dtype)
    best = blank.argmin(2)[:, :, None, None].expand(-1, -1, 1, groups.shape[3])
    return groups.gather(2, best)[:, :, 0]


def feature_loss(features: Tensor, teacher_features: Tensor, steps: Tensor) -> Tensor:
    """Return the squared distance to the teacher's features, as a share of their variance.

    Args:
        features: (N, T, D).
        teacher_features: (N, T, D).
        steps: (N,) time steps of each line; steps beyond are padding.
    """
    inside = torch.arange(features.shape[1], device=steps.device)[None] < steps[:, None]
    student, teacher = features[inside].float(), teacher_features[inside].float()
    variance = teacher.var(0, unbiased=False).sum().clamp(min=1e-6)
    return (student - teacher).square().sum(1).mean() / variance
