"""Define the WordSup network and its losses in PyTorch: pictures to characters at stride 4.

Hu et al. 2017 on the trunk of the small CTPN, whose weights it starts from (`--init-trunk weights/ctpn-small.onnx`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.arrays import Floats
from detection.cells import CELL
from detection.characters import in_line, likeliest
from detection.network_torch import (
    SMALL,
    SmallPyramid,
    Widths,
    hardest,
    initialize,
    initialize_heads,
)
from detection.wordsup import WordSup, paint

HEADS = ("score", "boxes")
"""Layers that int8 leaves in float."""

CANDIDATE = 0.3
"""Probability from which a cell of a word may be a character's."""

SUPPOSED = 0.25
"""Trust in square characters."""

TRUSTED = 0.75
"""Trust from which what is found takes their place: of a straight row that covers half of its word."""

MAX_FOUND = 400
"""Candidates of a picture: bounds time while the network knows nothing."""


class WordSupNet(SmallPyramid):
    """The trunk and context of the small CTPN, a neck to stride 4, a score and a box.

    Args:
        widths: channels of the shared layers.
    """

    def __init__(self, widths: Widths = SMALL) -> None:
        super().__init__(widths)
        self.score = nn.Conv2d(widths.fine, 1, 1)
        self.boxes = nn.Conv2d(widths.fine, 6, 1)
        initialize(self)
        initialize_heads(self.score, self.boxes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 3, H, W), H and W multiples of 16, to logits (N, R, C) and boxes (N, R, C, 6)."""
        x = self.neck(images)
        return self.score(x)[:, 0], self.boxes(x).permute(0, 2, 3, 1)


NETWORKS: dict[str, type[nn.Module]] = {"small": WordSupNet}
"""Those that `detection.METHODS` names."""


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn logits into probabilities; boxes stay."""
    score, boxes = outputs
    return torch.sigmoid(score), boxes


class _Truth(NamedTuple):
    """What the network should answer, as far as that is known."""

    score: Tensor
    """(N, R, C)."""
    boxes: Tensor
    """(N, R, C, 6)."""
    weight: Tensor
    """(N, R, C) how far it can be trusted, from 0 to 1."""


def losses(
    maps: dict[str, Tensor],
    targets: dict[str, Tensor],
    *,
    negatives: float = 3.0,
    beta: float = 0.1,
) -> dict[str, Tensor]:
    """Return the losses of scores and boxes, of equal weight, each cell as far as it can be trusted (section 3.2).

    Args:
        maps: `score` and `boxes`, see `WordSupNet.forward`.
        targets: of `detection.wordsup.WordSup`.
        negatives: cells of background for each of a character, the worst ones (hard negative mining).
        beta: where smooth-L1 turns from square to straight, in units of `wordsup.SIZE`.
    """
    true = _expected(maps, targets)
    text, weight = (true.score == 1) & targets["known"], true.weight
    entropy = F.binary_cross_entropy_with_logits(maps["score"], true.score, reduction="none")
    each = entropy * weight
    background = each[(true.score == 0) & targets["known"]]
    worst = hardest(background, int(text.sum()), negatives, 256 * len(text))
    away = F.smooth_l1_loss(maps["boxes"][text], true.boxes[text], reduction="none", beta=beta)
    return {
        "score": (each[text].sum() + worst.sum()) / (weight[text].sum() + len(worst)).clamp(min=1),
        "boxes": (away.sum(1) * weight[text]).sum() / weight[text].sum().clamp(min=1),
    }


def _expected(maps: dict[str, Tensor], targets: dict[str, Tensor]) -> _Truth:
    """Return the truth of a batch, with what the network itself finds in words without characters."""
    arrays = {
        name: targets[name].cpu().numpy().copy() for name in ("score", "boxes", "words", "word")
    }
    own = {"score": torch.sigmoid(maps["score"]), "boxes": maps["boxes"]}
    found = {name: value.detach().float().cpu().numpy() for name, value in own.items()}
    weight = np.ones_like(arrays["score"])
    for number in range(len(weight)):
        truth = {name: value[number] for name, value in arrays.items()}
        _search({name: value[number] for name, value in found.items()}, truth, weight[number])
    device = maps["score"].device
    score, boxes = (torch.from_numpy(arrays[name]).to(device) for name in ("score", "boxes"))
    return _Truth(score, boxes, torch.from_numpy(weight).to(device))


def _search(found: Mapping[str, Floats], truth: Mapping[str, Floats], weight: Floats) -> None:
    """Look for the characters of one picture's words, and write them into its truth where they can be trusted."""
    words, word = truth["words"], truth["word"]
    masked = {"score": found["score"] * (word > 0), "boxes": found["boxes"]}
    characters = WordSup(cell_threshold=CANDIDATE, max_characters=MAX_FOUND).characters(masked)
    rows, cols = (
        np.clip(characters[:, axis] // CELL, 0, word.shape[1 - axis] - 1).astype(np.intp)
        for axis in (1, 0)
    )
    within = word[rows, cols]
    for number in np.unique(word[word > 0]).tolist():
        line, cells = words[number - 1], word == number
        chosen, trusted = likeliest(line, characters[within == number])
        weight[cells] = trusted if trusted >= TRUSTED else SUPPOSED
        if trusted >= TRUSTED:
            truth["score"][cells] = 0
            paint(truth["score"], truth["boxes"], in_line(chosen, line), cells)
