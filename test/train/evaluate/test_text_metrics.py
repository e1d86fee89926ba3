"""Figures of lines: values worked out by hand, and properties that any reading must have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from train.data.samples import LabelledPage, Line
from train.evaluate.line_metrics import LineCounts, count_lines, pair_lines
from train.evaluate.page_metrics import ReadLine, count_page, normalize
from train.evaluate.text_metrics import (
    FORMS,
    alphanumeric,
    count_spaces,
    ctr,
    plain,
    similarity,
)


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def random_text(rng: np.random.Generator, letters: str = "ab Aé国 家,-1") -> str:
    return "".join(rng.choice(list(letters), rng.integers(0, 20)))


def test_similarity_equals_values_computed_by_hand() -> None:
    assert similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert similarity("", "") == 1
    assert similarity("", "made up") == 0


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        (plain, " a \u3000 b\n", "a b"),
        (plain, "Ａ１ e\u0301", "Ａ１ é"),
        (alphanumeric, "It's № 5: 国é", "its5"),
        (alphanumeric, "", ""),
    ],
)
def test_forms_normalize_known_texts(form: Any, text: str, expected: str) -> None:
    assert form(text) == expected


def test_ctr_form_folds_scripts_widths_and_case() -> None:
    pytest.importorskip("opencc")
    assert ctr("臺灣　ＡＢＣ！Ｑ～") == "台湾 abc!q~"
    assert ctr("简体 Mixed") == "简体 mixed"
    assert ctr("") == ""
    # White space counts in this form, scripts and widths do not; in the project's own form it is the other way round.
    assert (ctr("a b") == ctr("ab"), normalize("a b") == normalize("ab")) == (False, True)
    pair = ("開發ＡＰＰ", "开发app")
    assert [len({form(text) for text in pair}) for form in (ctr, normalize)] == [1, 2]


def test_forms_are_stable() -> None:
    pytest.importorskip("opencc")
    rng = np.random.default_rng(2)
    for form in FORMS.values():
        for _ in range(60):
            once = form(random_text(rng))
            assert form(once) == once


@pytest.mark.parametrize(("form", "exact", "ned"), [(plain, 0, 1 - 1 / 3), (normalize, 1, 1)])
def test_figures_of_a_page_in_another_form(form: Any, exact: int, ned: float) -> None:
    truth, read = page(Line(box(0, 0, 9, 9), "a b")), [ReadLine("ab", box(0, 0, 9, 9))]
    assert count_page(truth, read, form=form).exact == exact
    assert count_lines(truth, read, form).figures()["1-NED"] == pytest.approx(ned)


@pytest.mark.parametrize(
    ("truth", "reading", "expected"),
    [
        ("", "", (0, 0, 0)),
        ("word", "word", (0, 0, 0)),
        ("two words", "two words", (1, 1, 1)),
        ("two words", "twowords", (0, 1, 0)),
        ("two words", "t wowords", (0, 1, 1)),
        ("a b c", "a bc", (1, 2, 1)),
        ("  a   b ", "a b", (1, 1, 1)),
        ("Hello world", "He1lo wor1d", (1, 1, 1)),  # misread letters keep their places
        ("one two", "onx xwo", (1, 1, 1)),
        ("one two", "one xtwo", (1, 1, 1)),  # one neighbour is enough
        ("你好 世界", "你好世界", (0, 0, 0)),  # between Chinese characters nothing is asked
        ("你好世界", "你 好 世界", (0, 0, 0)),
        ("价格 USD 100", "价格USD 100", (1, 1, 1)),
        ("你好, world of", "你好,world of", (1, 1, 1)),  # the comma belongs to the Chinese side
        ("end. Next", "end.Next", (0, 1, 0)),
        ("the cat", "the the cat", (1, 1, 2)),
        ("‘a’ b", "'A' b", (1, 1, 1)),
    ],
)
def test_spaces_are_counted_against_the_truth(
    truth: str, reading: str, expected: tuple[int, int, int]
) -> None:
    assert count_spaces(truth, reading) == expected


def test_spaces_of_a_text_against_itself_and_against_none() -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        text = random_text(rng, "abcd  ,.国1")
        right, true, read = count_spaces(text, text)
        assert right == true == read
        assert count_spaces(text, text.replace(" ", "")) == (0, true, 0)
        other = random_text(rng, "abcd  ,.国1")
        right, true, read = count_spaces(text, other)
        assert 0 <= right <= min(true, read)


def page(*lines: Line, **facts: Any) -> LabelledPage:
    return LabelledPage(Path("a.png"), "set", lines=lines, **facts)


def test_lines_are_paired_by_their_boxes() -> None:
    truth = page(
        Line(box(0, 0, 100, 20), "first line"),
        Line(box(0, 30, 100, 50), "missed"),
        Line(box(0, 60, 100, 80), "###", ignore=True),
        Line(None, "no box"),
    )
    read = [
        ReadLine("made up", box(0, 200, 50, 220)),
        ReadLine("under ignored text", box(5, 62, 60, 78)),
        ReadLine("firstline", box(1, 1, 99, 21)),
    ]
    pairs = pair_lines(truth, read)
    assert sorted(pairs) == sorted(
        [("first line", "firstline"), ("missed", ""), ("no box", ""), ("", "made up")]
    )
    counts = count_lines(truth, read)
    assert counts == LineCounts(4, 1.0, 0, 1, 0)
    assert counts.figures() == {"1-NED": 0.25, "space": 0}


def test_nothing_is_paired_where_the_truth_cannot_say() -> None:
    line, read = Line(box(0, 0, 9, 9), "a b"), [ReadLine("a b", box(0, 0, 9, 9))]
    assert pair_lines(page(line, word_level=True), read) == []
    assert pair_lines(page(line, partial=True), read) == []
    assert pair_lines(page(Line(None, "a b")), read) == []
    assert pair_lines(page(line), [ReadLine("a b")]) == []
    assert pair_lines(page(), []) == []
    assert count_lines(page(), []).figures() == {"1-NED": None, "space": None}


def test_lines_read_in_a_crop_are_joined_to_one_pair() -> None:
    crop = page(Line(None, "two words"), cropped=True)
    assert pair_lines(crop, [ReadLine("two"), ReadLine("words")]) == [("two words", "two words")]
    assert pair_lines(crop, []) == [("two words", "")]
    word = page(Line(None, "it's"), cropped=True, alnum=True)
    assert count_lines(word, [ReadLine("ITS!")]).figures()["1-NED"] == 1


def test_line_counts_add_up() -> None:
    one, two = LineCounts(1, 0.5, 1, 2, 3), LineCounts(3, 1.5, 1, 0, 1)
    assert one + two == LineCounts(4, 2.0, 2, 2, 4)
    assert (one + two).figures() == {"1-NED": 0.5, "space": pytest.approx(4 / 6)}
