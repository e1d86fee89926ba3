"""Scores of lines become probabilities where the recognizer has coefficients, and stay where it has none."""

import cv2
import numpy as np
import pytest

import ocr
from common.roles import Reading
from ocr.line import confidence
from ocr.settings import Settings
from ocr.sheet import Models, Sheet
from recognition.confidence import Confidence

FITTED = Confidence(-2.2, 1.0, 1.4, -1.0)


def scored(reading: Reading, fitted: Confidence | None) -> Reading:
    sheet = Sheet(np.zeros((8, 8, 3), np.uint8), readings=(reading,))
    models = Models(lambda image, min_side=0: None, lambda crops: [], confidence=fitted)  # type: ignore[arg-type,return-value]
    (result,) = confidence.apply(sheet, models, Settings()).readings
    return result


def test_scoring_keeps_text_and_characters() -> None:
    reading = Reading("abc", 0.8, (0.9, 0.6, 0.9), ((0, 0.3), (0.3, 0.6), (0.6, 1)))
    result = scored(reading, FITTED)
    assert result._replace(score=0) == reading._replace(score=0)
    assert result.score == pytest.approx(FITTED("abc", (0.9, 0.6, 0.9)))


def test_characters_without_scores_take_the_line_s_score() -> None:
    assert scored(Reading("abc", 0.7), FITTED).score == pytest.approx(FITTED("abc", (0.7,) * 3))


@pytest.mark.parametrize(("text", "fitted"), [("abc", None), ("", FITTED), ("", None)])
def test_reading_without_text_or_coefficients_keeps_its_score(
    text: str, fitted: Confidence | None
) -> None:
    reading = Reading(text, 0.25)
    assert scored(reading, fitted) == reading


def test_the_shipped_reader_scores_by_what_was_fitted() -> None:
    reader = ocr.load(threads=1)
    assert reader.models.confidence is not None
    assert "confidence" in reader.steps
    page = np.full((64, 320, 3), 255, np.uint8)
    cv2.putText(page, "Total 12.50", (12, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
    fitted = reader.read(page, single_line=True).lines[0]
    plain = ocr.load(threads=1, without=["confidence"]).read(page, single_line=True).lines[0]
    assert fitted.text == plain.text
    assert fitted.score != plain.score
