"""Read one line of which there are several pictures, by a recognizer that takes them together."""

from __future__ import annotations

from collections.abc import Sequence

from common.arrays import Image
from common.roles import Reading, Recognizer
from common.wording import counted


def check(recognizer: Recognizer, pictures: int) -> None:
    """Refuse what a recognizer does not take together.

    Raises:
        ValueError: it reads one picture of a line, or fewer than these, or there are none.
    """
    most = getattr(recognizer, "views", 1)
    if most == 1:
        raise ValueError(
            "this recognizer reads one picture of a line: choose one that takes several views, as "
            "attention-ocr-views does"
        )
    if not 1 <= pictures <= most:
        raise ValueError(f"found {counted(pictures, 'picture')} of one line, expected 1 to {most}")


def read(recognizer: Recognizer, pictures: Sequence[Image]) -> tuple[Reading, ...]:
    """Return the one reading of the line that all pictures (H, W, 3) show.

    Raises:
        ValueError: as `check` says.
    """
    check(recognizer, len(pictures))
    return tuple(recognizer.read_views([pictures]))  # type: ignore[attr-defined]
