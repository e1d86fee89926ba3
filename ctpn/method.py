"""The Connectionist Text Proposal Network as a method of `detection`: its maps, targets and decoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from common.arrays import Floats, Quads
from ctpn import nms
from ctpn.anchors import ANCHOR_HEIGHTS, STRIDE
from ctpn.proposals import propose
from ctpn.targets import assign
from ctpn.textlines import connect
from detection.method import Bools, Lines, Output

_ANCHORS = len(ANCHOR_HEIGHTS)


@dataclass(frozen=True)
class CTPN:
    """Fine-scale text proposals, joined to lines (Tian et al. 2016).

    Attributes:
        proposal_threshold: least probability of a proposal.
        line_threshold: least mean probability of a line's proposals.
        single_proposal_threshold: the same for a line of a single proposal, which has no neighbours to confirm it.
        gap_ratio: widest gap inside a line, in heights.
        suppression: "auto", "cython", "cuda" or "numpy".

    Raises:
        ValueError: a suppression that is unknown.
        RuntimeError: one that is not built.
    """

    proposal_threshold: float = 0.3
    line_threshold: float = 0.35
    single_proposal_threshold: float = 0.5
    gap_ratio: float = 1.0
    suppression: str = "auto"

    stride: ClassVar[int] = STRIDE
    max_degrees: ClassVar[float] = 15.0
    outputs: ClassVar[Mapping[str, Output]] = MappingProxyType(
        {
            "scores": Output((_ANCHORS,), STRIDE),
            "deltas": Output((_ANCHORS, 2), STRIDE),
            "sides": Output((_ANCHORS,), STRIDE),
        }
    )

    def __post_init__(self) -> None:
        # Kept by name, so that a detector can be sent to another process; here it fails where there is none.
        nms.implementation(self.suppression)

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return `labels`, `deltas`, `sides` and `side_mask`, see `ctpn.targets.Targets`."""
        return assign(quads, ignore, size)._asdict()

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return probabilities of 0 and 1 and the offsets of the targets."""
        scores = (targets["labels"] == 1).astype(np.float32)
        return {"scores": scores, "deltas": targets["deltas"], "sides": targets["sides"]}

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Propose, connect, and drop the lines whose proposals are too weak."""
        proposals = propose(
            maps["scores"],
            maps["deltas"],
            maps["sides"],
            threshold=self.proposal_threshold,
            suppress=nms.implementation(self.suppression),
        )
        lines = connect(proposals, gap_ratio=self.gap_ratio)
        least = np.where(lines.counts > 1, self.line_threshold, self.single_proposal_threshold)
        kept = lines.scores >= least
        heights = proposals.boxes[:, 3] - proposals.boxes[:, 1]
        return Lines(lines.quads[kept], lines.scores[kept], heights)
