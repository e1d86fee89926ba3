"""The recognizers of the papers and of the original systems in PyTorch: lines in, logits per step out.

Every network has `features`, what its linear layer `classify` reads: trainings compute their loss
from the two. Layer names are those of `crnn.model_keras`.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from common.recurrent_torch import bidirectional
from crnn.attention_torch import AttentionDecoder

BN_EPS = 1e-5
BN_MOMENTUM = 0.1


def _conv(inputs: int, outputs: int, size: int = 3, *, bias: bool = True) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, size, padding=size // 2 if size % 2 else 0, bias=bias)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=BN_EPS, momentum=BN_MOMENTUM)


class CRNN(nn.Module):
    """The network of the paper (Shi et al. 2015, table 1): seven convolutions, two recurrent layers.

    As in the table, batch norm follows the fifth and the sixth convolution, and the last two
    poolings are two high and one wide; the authors' code pools otherwise and normalizes after the
    third, fifth and seventh. The last convolution is two wide, so a column of zeros on the right
    keeps the paper's W / 4 steps. The linear layer between the recurrent ones is not in the table,
    but without it there would be 8.7 million parameters and not the paper's 8.3.

    Args:
        classes: with the blank (index 0).
        widths: channels of convolutions 1, 2, 3 and 4, and 5 to 7.
        hidden: recurrent units in each direction.
        rnn: "lstm", or "gru" as the original author's Keras version has it.
    """

    def __init__(
        self,
        classes: int,
        widths: tuple[int, int, int, int] = (64, 128, 256, 512),
        hidden: int = 256,
        rnn: str = "lstm",
    ) -> None:
        super().__init__()
        a, b, c, d = widths
        self.conv1 = _conv(1, a)
        self.conv2 = _conv(a, b)
        self.conv3 = _conv(b, c)
        self.conv4 = _conv(c, c)
        self.conv5 = _conv(c, d, bias=False)
        self.norm5 = _norm(d)
        self.conv6 = _conv(d, d, bias=False)
        self.norm6 = _norm(d)
        self.pad7 = nn.ZeroPad2d((0, 1, 0, 0))
        self.conv7 = _conv(d, d, 2)
        self.square = nn.MaxPool2d(2)
        self.tall = nn.MaxPool2d((2, 1))
        self.rnn1 = bidirectional(d, hidden, rnn)
        self.join = nn.Linear(2 * hidden, hidden)
        self.rnn2 = bidirectional(hidden, hidden, rnn)
        self.classify = nn.Linear(2 * hidden, classes)

    def maps(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to what the convolutions see (N, T, d), T = W / 4."""
        x = self.square(torch.relu(self.conv1(lines)))  # (N, a, 16, W / 2)
        x = self.square(torch.relu(self.conv2(x)))  # (N, b, 8, W / 4)
        x = torch.relu(self.conv3(x))
        x = self.tall(torch.relu(self.conv4(x)))  # (N, c, 4, W / 4)
        x = torch.relu(self.norm5(self.conv5(x)))
        x = self.tall(torch.relu(self.norm6(self.conv6(x))))  # (N, d, 2, W / 4)
        x = torch.relu(self.conv7(self.pad7(x)))  # (N, d, 1, W / 4)
        # Not `squeeze`: exported, that is a branch, around which the quantizer drops the ReLU.
        return x[:, :, 0].transpose(1, 2)  # (N, T, d)

    def context(self, maps: Tensor) -> Tensor:
        """Map (N, T, d) to the classifier's input (N, T, 2 hidden)."""
        return self.rnn2(self.join(self.rnn1(maps)[0]))[0]

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to the classifier's input (N, T, 2 hidden), T = W / 4."""
        return self.context(self.maps(lines))

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to logits (N, T, C), T = W / 4."""
        return self.classify(self.features(lines))


class _Dense(nn.Module):
    """Layers that each see the input and what all layers before them made (Huang et al. 2017)."""

    def __init__(self, inputs: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = layers
        for i in range(1, layers + 1):
            self.add_module(f"norm{i}", _norm(inputs))
            self.add_module(f"conv{i}", _conv(inputs, growth, bias=False))
            inputs += growth
        self.outputs = inputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C + layers * growth, H, W)."""
        for i in range(1, self.layers + 1):
            grown = getattr(self, f"conv{i}")(torch.relu(getattr(self, f"norm{i}")(x)))
            x = torch.cat([x, grown], 1)
        return x


class _Transition(nn.Module):
    """Batch norm, ReLU, 1 x 1 convolution, mean pooling of 2 x 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = _norm(inputs)
        self.conv = _conv(inputs, outputs, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / 2, W / 2)."""
        return self.pool(self.conv(torch.relu(self.norm(x))))


class DenseNetCTC(nn.Module):
    """Three dense blocks and no recurrence, as the systems of YCG09 and cruil have it.

    A step is eight columns: narrow letters may share one, and a doubled one then cannot be read.

    Args:
        classes: with the blank (index 0).
        stem: channels of the first convolution.
        layers: of each block.
        growth: channels that a layer adds.
        width: channels after a transition.
        dropout: of the features in training.
    """

    stride = 8

    def __init__(
        self,
        classes: int,
        stem: int = 64,
        layers: int = 8,
        growth: int = 8,
        width: int = 128,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, stem, 5, stride=2, padding=2, bias=False)
        self.block1 = _Dense(stem, layers, growth)
        self.transition1 = _Transition(self.block1.outputs, width)
        self.block2 = _Dense(width, layers, growth)
        self.transition2 = _Transition(self.block2.outputs, width)
        self.block3 = _Dense(width, layers, growth)
        self.norm = _norm(self.block3.outputs)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(4 * self.block3.outputs, classes)

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to the classifier's input (N, T, 4 C), T = W / 8."""
        x = self.transition1(self.block1(self.stem(lines)))  # (N, width, 8, W / 4)
        x = self.block3(self.transition2(self.block2(x)))  # (N, C, 4, W / 8)
        x = torch.relu(self.norm(x)).permute(0, 3, 2, 1).flatten(2)  # (N, T, 4 C)
        return self.dropout(x)

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to logits (N, T, C), T = W / 8."""
        return self.classify(self.features(lines))


class _Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = _conv(inputs, outputs, bias=False)
        self.norm1 = _norm(outputs)
        self.conv2 = _conv(outputs, outputs, bias=False)
        self.norm2 = _norm(outputs)
        self.short: nn.Module = nn.Identity()
        if inputs != outputs:
            self.short = _conv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.short(x))


class ResNetAttention(nn.Module):
    """Residual features, two bidirectional layers, CTC and attention trained jointly.

    The original author named this as the next step and never published it. Either of the two reads:
    `forward` gives the logits of CTC, `AttentionReading` the characters that attention finds.

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
        self.conv = _conv(1, a, bias=False)
        self.norm = _norm(a)
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


class AttentionReading(nn.Module):
    """A `ResNetAttention` as it is deployed to read by attention.

    Args:
        network: its weights; left as they are.
    """

    def __init__(self, network: ResNetAttention) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()

    def forward(self, lines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, 1, 32, W) to what `AttentionDecoder.forward` returns."""
        return self.network.attention(self.network.features(lines))


def build(arch: str, classes: int) -> nn.Module:
    """Make the network of a name that `--arch` takes.

    Raises:
        ValueError: another name.
    """
    if arch in {"crnn", "crnn-gru"}:
        return CRNN(classes, rnn="gru" if arch == "crnn-gru" else "lstm")
    if arch == "densenet":
        return DenseNetCTC(classes)
    if arch == "resnet-attention":
        return ResNetAttention(classes)
    raise ValueError(f"arch is {arch!r}, expected one of {', '.join(ARCHITECTURES)}")


ARCHITECTURES = ("crnn", "crnn-gru", "densenet", "resnet-attention")
