"""Tell how far the content of a picture is turned: patches, their class scores, one decision."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from angle.preprocess import SIZE, line_patches, page_patches
from angle.settings import Patches
from common.arrays import Floats, Image, Network, Quads
from common.softmax import softmax


class Classifier:
    """Tells how far clockwise the content of a page is turned: 0, 90, 180 or 270 degrees."""

    def __init__(
        self,
        network: Network,
        *,
        size: int = SIZE,
        temperature: float = 2.0,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        """Bind a network to its settings.

        Args:
            network: (N, 1, size, size) float32 to (N, 4) logits; class k is turned by 90 k.
            size: Side of the patches in pixels.
            temperature: Divides the page's summed log-probabilities. Patches of one page tend to be
                wrong together, so it is above 1; fitted on pages that were not trained on.
            settings: Fields of `angle.settings.Patches`.

        Raises:
            ValueError: A setting out of its range.
        """
        if temperature <= 0:
            raise ValueError(f"temperature is {temperature}, expected a number above 0")
        self._network = network
        self._size = size
        self._temperature = temperature
        self._settings = Patches(**settings)

    def __call__(self, image: Image) -> tuple[int, float]:
        """Return degrees clockwise and the probability that they are right.

        Below the threshold the degrees are 0, with the score of the class that would have won. A
        page with nothing on it gives (0, 0.0).
        """
        settings = self._settings
        inputs, _ = page_patches(image, size=self._size, settings=settings)
        if not len(inputs):
            return 0, 0.0
        logits = np.asarray(self._network(inputs)[0], np.float64)
        scores = page_scores(
            logits,
            temperature=self._temperature,
            outlier_probability=settings.outlier_probability,
        )
        best = int(scores.argmax())
        score = float(scores[best])
        return (best * 90 if score >= settings.threshold else 0), score

    def classify_lines(self, image: Image, quads: Quads) -> NDArray[np.float64]:
        """Tell from lines that were found how far their text is turned.

        At the size of the lines strokes are seen that patches of a page at fixed scales may miss: a few
        words in a photograph, lettering as high as the picture.

        Args:
            image: (H, W, 3) uint8 RGB, the picture that they were found on.
            quads: (M, 4, 2) in its pixels.

        Returns:
            (4,), the probability of each turn; a quarter each without lines.
        """
        settings = self._settings
        inputs = line_patches(image, quads, size=self._size, settings=settings)
        logits = self._network(inputs)[0] if len(inputs) else np.zeros((0, 4))
        # Every stroke of a line is seen as often as there are heights, and counts once.
        temperature = self._temperature * len(settings.line_heights)
        return page_scores(
            np.asarray(logits, np.float64),
            temperature=temperature,
            outlier_probability=settings.outlier_probability,
        )


def page_scores(
    logits: Floats | NDArray[np.float64], *, temperature: float, outlier_probability: float
) -> NDArray[np.float64]:
    """Combine the patches' (N, 4) logits into the page's (4,) probabilities; no patches say 1/4 each.

    Log-probabilities are summed, so that a patch that does not know has no vote and needs no
    weight.
    """
    each = softmax(logits)
    each = (1 - outlier_probability) * each + outlier_probability / each.shape[1]
    return softmax(np.log(np.maximum(each, 1e-12)).sum(axis=0) / temperature)
