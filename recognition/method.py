"""Say what a recognition method adds to the kit; `crnn/model_torch.py` and `recognition/densenet_torch.py` are two.

A method is a module `*_torch.py` with `NETWORKS`, names of what makes a network of a number of classes, and `losses`,
and a row of `recognition.METHODS`. What a network gives is decoded by one of `recognition.recognizer.DECODERS`, in
numpy: log-probabilities of CTC at every step, or the characters that attention found with where it looked.
"""

from __future__ import annotations

from typing import Any, Protocol


class LineNetwork(Protocol):
    """A network: lines (N, 1, 32, W), as `recognition.preprocess` makes them, to logits (N, W / stride, classes)."""

    stride: int
    """Columns of a line for one step, a multiple of `recognition.preprocess.STRIDE`, which it is when left out."""

    classify: Any
    """The last linear layer; class 0 is the blank of CTC."""

    def features(self, lines: Any) -> Any:  # noqa: ANN401 - tensors
        """Return what `classify` reads, (N, T, D)."""
        ...


class LossRecipe(Protocol):
    """Numbers that weigh the losses of a line, see `train.loop.recipes.CrnnRecipe`."""

    aligned_until: float
    aligned_weight: float
    sampled: int | None
    attention_weight: float
    drift_weight: float


class Losses(Protocol):
    """`losses` of a method's module: parts of the loss of one batch, weighted, summed and logged by name."""

    def __call__(
        self,
        network: LineNetwork,
        features: Any,  # noqa: ANN401 - tensors
        seen: Any,  # noqa: ANN401
        targets: Any,  # noqa: ANN401
        progress: float,
        recipe: LossRecipe,
        *,
        keep_classifier: bool = False,
    ) -> dict[str, Any]:
        """Return the parts.

        Args:
            network: whose classifier is asked.
            features: (N, T, D) that it classifies.
            seen: (N, T, D) that attention looks at: the same but for a network that learns from a teacher.
            targets: `recognition.ctc_loss_torch.Targets`.
            progress: share of the training done.
            recipe: weights.
            keep_classifier: it does not learn from this batch.
        """
        ...
