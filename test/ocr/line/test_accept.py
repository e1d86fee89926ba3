"""What is a line: on the detector's word, on the recognizer's, and where only some characters are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ocr
from common.quads import boxes_to_quads
from common.roles import Reading
from ocr.line.accept import drop_unlikely, readable_alone
from ocr.settings import Accept, Settings
from ocr.sheet import Models, Sheet

SIGN = Path(__file__).parents[2] / "data" / "sign.png"
MODELS = Models(lambda image, min_side=0: None, lambda crops: [])  # type: ignore[arg-type,return-value]


def kept(
    scores: list[float], readings: list[float], settings: Accept, *, single: bool = False
) -> list[float]:
    """The scores of the readings that are kept."""
    sheet = Sheet(
        np.zeros((9, 9, 3), np.uint8),
        single_line=single,
        quads=boxes_to_quads(np.tile(np.array([[0, 0, 9, 4]], np.float32), (len(scores), 1))),
        scores=np.array(scores, np.float32),
        readings=tuple(Reading("text", score) for score in readings),
    )
    return [each.score for each in drop_unlikely(sheet, MODELS, Settings(accept=settings)).readings]


def test_one_of_both_has_to_be_sure() -> None:
    assert kept([0.9, 0.5, 0.5], [0.1, 0.6, 0.2], Accept()) == [0.1, 0.6]


def test_certain_characters_alone_have_to_be_read() -> None:
    settings = readable_alone(Accept(min_reading_score=0.4))
    assert kept([1.0, 0.9, 0.2], [0.1, 0.6, 0.45], settings) == [0.6, 0.45]
    assert kept([1.0], [0.1], settings, single=True) == [0.1]  # there is a line: that was said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "texts"), [({"languages": "en"}, ["BOOKSTORE"]), ({"allowed": "0123456789"}, [])]
)
def test_lines_in_other_characters_are_left_out(options: dict[str, str], texts: list[str]) -> None:
    """Read as letters or digits, Chinese lines are rubbish that scores 0."""
    page = ocr.load(threads=1, **options).read(SIGN)  # type: ignore[arg-type]
    assert [line.text for line in page.lines] == texts
