"""Define the recognizers as PyTorch networks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from common.arrays import Floats
from common.layers_torch import conv, norm
from common.recurrent_torch import bidirectional
from recognition.attention_torch import AttentionReading
from recognition.charset import Charset
from recognition.ctc_loss_torch import losses
from recognition.network_torch import SmallCRNN
from recognition.preprocess import STRIDE
from recognition.recognizer import Recognizer

__all__ = [
    "CRNN",
    "BaseCRNN",
    "Residual",
    "NETWORKS",
    "LogProbabilities",
    "SmallCRNN",
    "as_recognizer",
    "losses",
]


class Residual(nn.Module):
    """Two convolutions whose result is added to what they read (He et al. 2016).

    The last batch norm begins with a gain of nothing, so that a block put into a trained network leaves what it
    reads as it is until it has learned something (Goyal et al. 2017, §5.1).

    Args:
        channels: of input and output, which must not be negative.
        kernel: rows and columns of both kernels, odd.
    """

    def __init__(self, channels: int, kernel: tuple[int, int] = (3, 3)) -> None:
        super().__init__()
        around = (kernel[0] // 2, kernel[1] // 2)
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, kernel, 1, around, bias=False),
            nn.BatchNorm2d(channels, eps=1e-5, momentum=0.05),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, kernel, 1, around, bias=False),
            nn.BatchNorm2d(channels, eps=1e-5, momentum=0.05),
        )
        nn.init.zeros_(self.body[-1].weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W), nowhere negative, to the same shape."""
        return torch.relu(x + self.body(x))


class BaseCRNN(SmallCRNN):
    """`SmallCRNN` with residual blocks: 1.6 times its arithmetic.

    One block each at H/8 and H/16, and `context` blocks along the line after the rows have become one, each of which
    looks 4 steps to either side. New, it reads exactly as the `SmallCRNN` whose weights it is given.

    Args:
        classes: classes with the blank (index 0).
        widths: as of `SmallCRNN`.
        hidden: likewise.
        context: blocks along the line.
    """

    def __init__(
        self,
        classes: int,
        widths: tuple[int, int, int, int] = (64, 96, 160, 224),
        hidden: int = 112,
        context: int = 2,
    ) -> None:
        super().__init__(classes, widths, hidden)
        self.stage2.append(Residual(widths[2]))
        self.stage3.append(Residual(widths[3]))
        for _ in range(context):
            self.collapse.append(Residual(widths[3], (1, 5)))


class LogProbabilities(nn.Module):
    """The network as it is deployed: log-probabilities, not logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to log-probabilities (N, T, C)."""
        return torch.log_softmax(self.network(lines).float(), 2)


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
        self.conv1 = conv(1, a)
        self.conv2 = conv(a, b)
        self.conv3 = conv(b, c)
        self.conv4 = conv(c, c)
        self.conv5 = conv(c, d, bias=False)
        self.norm5 = norm(d)
        self.conv6 = conv(d, d, bias=False)
        self.norm6 = norm(d)
        self.pad7 = nn.ZeroPad2d((0, 1, 0, 0))
        self.conv7 = conv(d, d, 2)
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


NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "small": SmallCRNN,
    "base": BaseCRNN,
    "crnn": CRNN,
    "crnn-gru": functools.partial(CRNN, rnn="gru"),
}
"""Those that `recognition.METHODS` names."""


def as_recognizer(network: nn.Module, charset: Charset, *, decoder: str = "ctc") -> Recognizer:
    """Return the deployed recognizer around a PyTorch network, read by "ctc" or by "attention"."""
    wrapped = AttentionReading if decoder == "attention" else LogProbabilities
    deployed = wrapped(network).eval()
    device = next(network.parameters()).device

    def run(lines: Floats) -> tuple[Any, ...]:
        with torch.inference_mode():
            found = deployed(torch.from_numpy(lines).to(device))
        arrays = found if isinstance(found, tuple) else (found,)
        return tuple(array.cpu().numpy() for array in arrays)

    stride = getattr(network, "stride", STRIDE)
    views = getattr(network, "views", 1)
    return Recognizer(
        run, charset="".join(charset.characters), stride=stride, decoder=decoder, views=views
    )
