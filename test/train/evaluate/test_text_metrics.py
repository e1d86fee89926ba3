"""Figures of lines: values worked out by hand, and properties that any reading must have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from train.data.readers.jsonl import LabelledLine, LabelledPage
from train.evaluate.line_metrics import LineCounts, count_lines, pair_lines
from train.evaluate.page_metrics import ReadLine
from train.evaluate.text_metrics import (
    FORMS,
    alphanumeric,
    cer,
    count_spaces,
    ctr,
    line_accuracy,
    one_minus_ned,
    plain,
    space_f1,
)


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def random_text(rng: np.random.Generator, letters: str = "ab Aé国 家,-1") -> str:
    return "".join(rng.choice(list(letters), rng.integers(0, 20)))


def test_nothing_to_compare_has_no_figure() -> None:
    for figure in (line_accuracy, one_minus_ned, cer, space_f1):
        assert figure([]) is None
        assert figure([("", "")]) is None
    assert line_accuracy([("", "made up")]) is None
    assert one_minus_ned([("", "made up")]) == 0
    assert cer([("", "made up")]) is None


def test_figures_by_hand() -> None:
    pairs = [("kitten", "sitting"), ("国家", "国家"), ("abcd", "")]
    assert line_accuracy(pairs) == pytest.approx(1 / 3)
    assert one_minus_ned(pairs) == pytest.approx((1 - 3 / 7 + 1 + 0) / 3)
    assert cer(pairs) == pytest.approx((3 + 0 + 4) / 12)
    assert cer([("a", "bcde")]) == 4


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        (plain, " a \u3000 b\n", "a b"),
        (plain, "Ａ１ e\u0301", "Ａ１ é"),
        (alphanumeric, "It's № 5: 国é", "its5"),
        (alphanumeric, "", ""),
    ],
)
def test_forms(form: Any, text: str, expected: str) -> None:
    assert form(text) == expected


def test_ctr_form() -> None:
    pytest.importorskip("opencc")
    assert ctr("臺灣　ＡＢＣ！Ｑ～") == "台湾 abc!q~"
    assert ctr("简体 Mixed") == "简体 mixed"
    assert ctr("") == ""
    # White space and sign variants are compared as they stand, unlike in the project's own form.
    pair = [("a b", "ab")]
    assert (line_accuracy(pair, ctr), line_accuracy(pair)) == (0, 1)
    assert line_accuracy([("開發ＡＰＰ", "开发app")], ctr) == 1
    assert line_accuracy([("開發ＡＰＰ", "开发app")]) == 0


def test_forms_are_stable_and_figures_bounded() -> None:
    pytest.importorskip("opencc")
    rng = np.random.default_rng(2)
    pairs = [(random_text(rng), random_text(rng)) for _ in range(60)]
    for form in FORMS.values():
        assert all(form(form(a)) == form(a) for a, _ in pairs)
        accuracy, ned = line_accuracy(pairs, form), one_minus_ned(pairs, form)
        assert accuracy is not None
        assert ned is not None
        assert 0 <= accuracy <= 1
        # An exact line earns 1 and an inexact one something. Lines of whose truth nothing is left enter 1-NED alone.
        both = [pair for pair in pairs if form(pair[0])]
        assert (one_minus_ned(both, form) or 0) >= (line_accuracy(both, form) or 0)
        perfect = [(a, a) for a, _ in pairs]
        assert (line_accuracy(perfect, form), one_minus_ned(perfect, form)) == (1, 1)
        assert cer(perfect, form) == 0
        assert one_minus_ned([(b, a) for a, b in pairs], form) == pytest.approx(ned)


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
def test_count_spaces(truth: str, reading: str, expected: tuple[int, int, int]) -> None:
    assert count_spaces(truth, reading) == expected


def test_space_f1_by_hand() -> None:
    pairs = [("two words here", "two wordshere"), ("ab", "a b")]
    assert space_f1(pairs) == pytest.approx(2 * 1 / (2 + 2))
    assert space_f1([("a b", "c d")]) == 1  # the letters are wrong, the space is right


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


def page(*lines: LabelledLine, **facts: Any) -> LabelledPage:
    return LabelledPage(Path("a.png"), "set", lines=lines, **facts)


def test_lines_are_paired_by_their_boxes() -> None:
    truth = page(
        LabelledLine("first line", box(0, 0, 100, 20)),
        LabelledLine("missed", box(0, 30, 100, 50)),
        LabelledLine("###", box(0, 60, 100, 80), ignore=True),
        LabelledLine("no box"),
    )
    read = [
        ReadLine("made up", box(0, 200, 50, 220)),
        ReadLine("under the veil", box(5, 62, 60, 78)),
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
    line, read = LabelledLine("a b", box(0, 0, 9, 9)), [ReadLine("a b", box(0, 0, 9, 9))]
    assert pair_lines(page(line, word_level=True), read) == []
    assert pair_lines(page(line, partial=True), read) == []
    assert pair_lines(page(LabelledLine("a b")), read) == []
    assert pair_lines(page(line), [ReadLine("a b")]) == []
    assert pair_lines(page(), []) == []
    assert count_lines(page(), []).figures() == {"1-NED": None, "space": None}


def test_a_crop_is_one_pair() -> None:
    crop = page(LabelledLine("two words"), cropped=True)
    assert pair_lines(crop, [ReadLine("two"), ReadLine("words")]) == [("two words", "two words")]
    assert pair_lines(crop, []) == [("two words", "")]
    word = page(LabelledLine("it's"), cropped=True, alnum=True)
    assert count_lines(word, [ReadLine("ITS!")]).figures()["1-NED"] == 1


def test_line_counts_add_up() -> None:
    one, two = LineCounts(1, 0.5, 1, 2, 3), LineCounts(3, 1.5, 1, 0, 1)
    assert one + two == LineCounts(4, 2.0, 2, 2, 4)
    assert (one + two).figures() == {"1-NED": 0.5, "space": pytest.approx(4 / 6)}
