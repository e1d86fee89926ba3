"""Say what a spotting method is; `spotting/fots.py` is one.

Two networks stand behind a spotter. The first sees the picture and says where text is; the second reads there, from
what the first one saw. Between the two, in numpy, places become a grid at which features are sampled, so that training
and reading share one geometry, and each network is a plain callable that any runtime may supply.

The module beside it, `*_torch.py`, has `NETWORK`, the class of both as one, made for a number of classes; `trunk` and
`head`, from it to the two modules as they are exported; `HEADS`, parts of the names of layers that int8 leaves in
float; `TRUNK` and `HEAD`, the names of what each gives; and `losses`.
"""

from __future__ import annotations

from typing import Any, Protocol

from common.arrays import Floats


class Head(Protocol):
    """The second network."""

    def __call__(self, places: Floats, **features: Floats) -> tuple[Any, ...]:
        """Read at places.

        Args:
            places: (N, 16, W / 2, 2) where each line's grid lies, see `spotting.roi_rotate.places`.
            features: what the first network gave of the picture, by name, (1, C, R, S) each.

        Returns:
            Log-probabilities (N, W / 4, classes), the blank first.
        """
        ...
