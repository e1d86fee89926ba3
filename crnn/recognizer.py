"""Line crops to text: sort by width, batch, run the network, decode, restore the order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from common.arrays import Image, Network
from crnn import ctc, preprocess
from crnn.charset import Charset
from crnn.ctc import Reading

_EMPTY = Reading("", 0.0, (), ())


class Recognizer:
    """Reads cropped lines.

    Args:
        network: (N, 1, 32, W) float32 to one array of log-probabilities (N, W/4, C), blank first.
        charset: the characters in class order, as one string.
        batch_columns: columns (lines times width) of one batch at most; bounds memory.
        max_width: columns of one line at most; wider lines are squeezed.
    """

    def __init__(
        self,
        network: Network,
        *,
        charset: str,
        batch_columns: int = 4096,
        max_width: int = preprocess.MAX_WIDTH,
    ) -> None:
        self.network = network
        self.charset = Charset(charset)
        self.batch_columns = batch_columns
        self.max_width = max_width

    def __call__(self, crops: Sequence[Image]) -> list[Reading]:
        """Read crops, (H, W, 3) uint8 RGB each; one reading per crop in the same order."""
        readings = [_EMPTY] * len(crops)
        widths = [preprocess.width_at_height(c.shape[0], c.shape[1], self.max_width) for c in crops]
        usable = [i for i, crop in enumerate(crops) if crop.shape[0] and crop.shape[1]]
        for rows in self._batches(usable, widths):
            batch = preprocess.batch([crops[i] for i in rows], [widths[i] for i in rows])
            (log_probs,) = self.network(batch)
            for i, row in zip(rows, log_probs, strict=True):
                steps = -(-widths[i] // preprocess.STRIDE)
                readings[i] = self._reading(ctc.greedy(row[:steps]), steps)
        return readings

    def _batches(self, usable: list[int], widths: Sequence[int]) -> Iterator[list[int]]:
        """Group lines of similar width, so that little is spent on padding."""
        rows: list[int] = []
        for i in sorted(usable, key=lambda i: widths[i]):
            if rows and widths[i] * (len(rows) + 1) > self.batch_columns:
                yield rows
                rows = []
            rows.append(i)
        if rows:
            yield rows

    def _reading(self, runs: list[ctc.Run], steps: int) -> Reading:
        text = self.charset.decode([run.label for run in runs])
        # Spaces at the ends come from wide crops, not from the text.
        first, last = len(text) - len(text.lstrip()), len(text.rstrip())
        runs, text = runs[first:last], text[first:last]
        if not text:
            return _EMPTY
        scores = tuple(run.probability for run in runs)
        spans = tuple((run.start / steps, run.stop / steps) for run in runs)
        return Reading(text, sum(scores) / len(scores), scores, spans)
