"""Describe the Connectionist Text Proposal Network as a method of `detection`: its maps, targets and decoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from common.arrays import Floats, Quads
from common.settings import setting
from ctpn import nms
from ctpn.anchors import ANCHOR_HEIGHTS, STRIDE
from ctpn.proposals import propose
from ctpn.settings import LineSettings
from ctpn.targets import assign
from ctpn.textlines import connect
from detection.method import Bools, Lines, Output

_ANCHORS = len(ANCHOR_HEIGHTS)


@dataclass(frozen=True)
class CTPN(LineSettings):
    """Fine-scale text proposals, joined to lines (Tian et al. 2016).

    Attributes:
        suppression: "auto", "cython", "cuda" or "numpy".

    Raises:
        ValueError: a suppression that is unknown, or a setting outside its range.
        RuntimeError: one that is not built.
    """

    proposal_threshold: float = setting(0.3, "Least probability of a proposal", 0, 1)
    line_threshold: float = setting(0.35, "Least mean probability of a line's proposals", 0, 1)
    single_proposal_threshold: float = setting(
        0.5, "The same for a line of one proposal, which has no neighbours to confirm it", 0, 1
    )
    nms_threshold: float = setting(
        0.3, "Vertical IoU above which the weaker of two proposals goes", 0, 1
    )
    max_candidates: int = setting(
        12000, "Proposals decoded, best first, as in the published systems: bounds time on noise", 1
    )
    min_height: float = setting(
        4.0, "Height of a proposal in pixels below which no text is legible at any scale", 0
    )
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
        super().__post_init__()
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
            nms_threshold=self.nms_threshold,
            max_candidates=self.max_candidates,
            min_height=self.min_height,
            suppress=nms.implementation(self.suppression),
        )
        lines = connect(proposals, self)
        least = np.where(lines.counts > 1, self.line_threshold, self.single_proposal_threshold)
        kept = lines.scores >= least
        heights = proposals.boxes[:, 3] - proposals.boxes[:, 1]
        return Lines(lines.quads[kept], lines.scores[kept], heights)
