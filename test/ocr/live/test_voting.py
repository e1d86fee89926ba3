"""Merged readings: the majority's letters, whatever is lost or added in single ones."""

from __future__ import annotations

import pytest

from ocr.live.voting import LineVote, alignment, similarity


def _voted(*readings: tuple[str, float]) -> tuple[str, float]:
    vote = LineVote()
    for text, score in readings:
        vote.add(text, [score] * len(text), score**2)
    return vote.result()


def test_no_readings_give_empty_text() -> None:
    assert LineVote().result() == ("", 0.0)
    assert _voted(("", 0.5)) == ("", 0.0)


def test_single_reading_is_the_result() -> None:
    text, score = _voted(("你好 world", 0.9))
    assert text == "你好 world"
    assert score == pytest.approx(0.9)


def test_errors_of_single_readings_are_outvoted() -> None:
    readings = [
        ("今天天汽很好", 0.8),
        ("今大天气很好", 0.8),
        ("今天天气根好", 0.8),
        ("天天气很好", 0.8),
    ]
    assert _voted(*readings)[0] == "今天天气很好"


def test_sure_readings_outvote_doubtful_ones() -> None:
    assert _voted(("Govemance", 0.5), ("Govemance", 0.5), ("Governance", 0.99))[0] == "Governance"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_a_line_that_comes_into_view_is_read_whole(order: tuple[int, ...]) -> None:
    readings = [("abcdef", 0.9), ("abcdef gh", 0.9), ("abcdef gh", 0.9)]
    assert _voted(*(readings[i] for i in order))[0] == "abcdef gh"


def test_character_seen_by_one_reading_alone_is_dropped() -> None:
    assert _voted(("abc", 0.9), ("abc口", 0.6), ("abc", 0.9))[0] == "abc"


def test_disagreement_lowers_the_score() -> None:
    assert _voted(("abc", 0.9), ("abc", 0.9))[1] > _voted(("abc", 0.9), ("abd", 0.8))[1]


def test_alignment_pairs_what_is_the_same() -> None:
    steps = alignment("kitten", "sitting")
    assert sum(i is None or j is None or "kitten"[i] != "sitting"[j] for i, j in steps) == 3
    assert [i for i, _ in steps if i is not None] == list(range(6))
    assert [j for _, j in steps if j is not None] == list(range(7))
    assert alignment("", "ab") == [(None, 0), (None, 1)]


def test_similarity_runs_from_0_to_1() -> None:
    assert similarity("", "") == 1
    assert similarity("abc", "") == 0
    assert similarity("abcd", "abce") == 0.75
