"""The probability of a line: what raises and lowers it, and what it cannot be told of."""

import math

import pytest

from recognition.confidence import Confidence, features

USUAL = Confidence(-2.2, 1.0, 1.4, -1.0)


def test_features_are_those_of_the_characters() -> None:
    found = features("abc", (0.9, 0.5, 1.0))
    assert found.doubt == pytest.approx(math.log(1e-3 - math.log(0.9) - math.log(0.5)), abs=1e-4)
    assert found.length == pytest.approx(math.log(4))
    assert found.worst == pytest.approx(math.log(0.501))


def test_doubtful_character_lowers_the_confidence() -> None:
    sure, unsure = USUAL("word", (0.99,) * 4), USUAL("word", (0.99, 0.99, 0.6, 0.99))
    assert 0 < unsure < sure < 1


def test_leader_dots_count_once() -> None:
    once = features("a.b", (0.9, 0.7, 0.9))
    assert features("a....b", (0.9, 0.7, 0.2, 0.2, 0.2, 0.9)) == once
    # Letters and digits that repeat are characters of their own.
    assert features("a00b", (0.9, 0.7, 0.2, 0.9)).worst > once.worst


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_confidence_is_between_zero_and_one(score: float) -> None:
    assert 0 < USUAL("x", (score,)) < 1


@pytest.mark.parametrize(("text", "scores"), [("", ()), ("ab", (0.5,)), ("", (0.5,))])
def test_scores_without_characters_are_refused(text: str, scores: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="expected one each"):
        USUAL(text, scores)
