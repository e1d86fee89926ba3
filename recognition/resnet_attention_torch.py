"""Define a residual network that reads by CTC and by attention, in PyTorch.

Layer names are those of `recognition.resnet_attention_keras`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.layers_torch import conv, norm
from common.recurrent_torch import bidirectional
from recognition import ctc_loss_torch
from recognition.attention_torch import AttentionDecoder
from recognition.ctc_loss_torch import Targets
from recognition.method import LossRecipe


class _Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv(inputs, outputs, bias=False)
        self.norm1 = norm(outputs)
        self.conv2 = conv(outputs, outputs, bias=False)
        self.norm2 = norm(outputs)
        self.short: nn.Module = nn.Identity()
        if inputs != outputs:
            self.short = conv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.short(x))


class ResNetAttention(nn.Module):
    """Residual features, two bidirectional layers, CTC and attention trained jointly.

    The original author named this as the next step and never published it. Either of the two reads:
    `forward` gives the logits of CTC, `attention_torch.AttentionReading` the characters that attention finds.

    Args:
        classes: with the blank, or end (index 0).
        widths: channels of the four stages; each stage is two residual blocks.
        hidden: recurrent units in each direction, and of the attention.
    """

    def __init__(
        self,
        classes: int,
        widths: tuple[int, int, int, int] = (32, 64, 128, 192),
        hidden: int = 128,
    ) -> None:
        super().__init__()
        a, b, c, d = widths
        self.conv = conv(1, a, bias=False)
        self.norm = norm(a)
        self.square = nn.MaxPool2d(2)
        self.tall = nn.MaxPool2d((2, 1))
        self.stage1 = nn.Sequential(_Residual(a, a), _Residual(a, a))  # (N, a, 16, W / 2)
        self.stage2 = nn.Sequential(_Residual(a, b), _Residual(b, b))  # (N, b, 8, W / 4)
        self.stage3 = nn.Sequential(_Residual(b, c), _Residual(c, c))  # (N, c, 4, W / 4)
        self.stage4 = nn.Sequential(_Residual(c, d), _Residual(d, d))  # (N, d, 2, W / 4)
        self.rnn1 = bidirectional(2 * d, hidden)
        self.rnn2 = bidirectional(2 * hidden, hidden)
        self.classify = nn.Linear(2 * hidden, classes)
        self.attention = AttentionDecoder(classes, 2 * hidden, hidden)

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to the input (N, T, 2 hidden) of classifier and attention, T = W / 4."""
        x = torch.relu(self.norm(self.conv(lines)))
        x = self.stage2(self.square(self.stage1(self.square(x))))
        x = self.stage4(self.tall(self.stage3(self.tall(x))))
        x = x.permute(0, 3, 2, 1).flatten(2)  # (N, T, 2 d)
        return self.rnn2(self.rnn1(x)[0])[0]

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to logits (N, T, C), T = W / 4."""
        return self.classify(self.features(lines))


NETWORKS: dict[str, type[nn.Module]] = {"resnet-attention": ResNetAttention}
"""Those that `recognition.METHODS` names."""


def losses(
    network: nn.Module,
    features: Tensor,
    seen: Tensor,
    targets: Targets,
    progress: float,
    recipe: LossRecipe,
    *,
    keep_classifier: bool = False,
) -> dict[str, Tensor]:
    """Return the losses of CTC, and of attention all the time, see `recognition.method.Losses`."""
    parts = ctc_loss_torch.losses(
        network, features, seen, targets, progress, recipe, keep_classifier=keep_classifier
    )
    read = network.attention.loss(seen, targets.labels, targets.lengths)
    return parts | {"attention": recipe.attention_weight * read}
