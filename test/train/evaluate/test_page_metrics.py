"""Figures of accuracy: values fixed by their definitions, and properties they must have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from train.data.samples import LabelledPage, Line
from train.evaluate.box_metrics import BoxCounts
from train.evaluate.page_metrics import (
    Counts,
    ReadLine,
    common_count,
    count_page,
    hull_iou,
    match_boxes,
    normalize,
)


def matched(*arguments: Any) -> tuple[float, int, int]:
    counts = match_boxes(*arguments)
    assert counts.recalled == counts.precise
    return counts.recalled, counts.n_true, counts.n_pred


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\u3000\n", ""),
        ("Ａ１ｂ", "a1b"),
        ("“你好”", '"你好"'),
        ("it’s", "it's"),
        ("—–－-", "----"),
        ("…", "..."),
        ("。、·•，", ".,..,"),
        ("【a】〔b〕《c》「d」", '[a][b]<c>"d"'),
        ("¥5 ￥6", "y5y6"),
        ("2×3", "2x3"),
        ("①㎏½", "1kg1\u20442"),
        ("Straße", "straße"),
    ],
)
def test_normalize_folds_width_case_and_spaces(text: str, expected: str) -> None:
    assert normalize(text) == expected


def test_leaders_are_alike_however_many_dots_they_have() -> None:
    assert (
        normalize("Title " + "." * 70 + " 7") == normalize("Title" + "……" * 4 + "7") == "title....7"
    )
    assert normalize("and so on...") == "andsoon..."
    assert normalize("v1.2.3") == "v1.2.3"


def test_normalize_twice_is_once() -> None:
    rng = np.random.default_rng(0)
    chars = [
        chr(c)
        for c in (
            *range(32, 127),
            *range(0x2010, 0x2040),
            *range(0x3000, 0x3020),
            *range(0xFF01, 0xFF60),
        )
    ]
    for _ in range(50):
        once = normalize("".join(rng.choice(chars, 30)))
        assert normalize(once) == once


def test_common_characters_are_counted_as_multisets() -> None:
    assert common_count("aab", "abbb") == 2
    assert common_count("", "abc") == 0
    assert common_count(["x", "x"], ["x"]) == 1


def test_iou_of_known_boxes() -> None:
    a = box(0, 0, 10, 10)
    assert hull_iou(a, a) == pytest.approx(1, abs=1e-5)
    assert hull_iou(a, box(5, 0, 15, 10)) == pytest.approx(1 / 3, abs=1e-5)
    assert hull_iou(a, box(20, 20, 30, 30)) == 0
    assert hull_iou(a, box(3, 3, 3, 9)) == 0
    assert hull_iou(a, a[::-1]) == pytest.approx(1, abs=1e-5)


def test_hmean_of_nothing() -> None:
    assert matched([], [], []) == (0, 0, 0)
    assert matched([], [box(0, 0, 9, 9)], [False]) == (0, 1, 0)
    assert matched([box(0, 0, 9, 9)], [], []) == (0, 0, 1)


def test_hmean_is_one_to_one() -> None:
    true = [box(0, 0, 100, 20)]
    twice = [box(0, 0, 100, 20), box(1, 0, 100, 20)]
    assert matched(twice, true, [False]) == (1, 1, 2)
    halves = [box(0, 0, 50, 20), box(50, 0, 100, 20)]
    assert matched(halves, true, [False])[0] <= 1


def test_hmean_ignored_counts_neither_way() -> None:
    true = [box(0, 0, 100, 20), box(0, 30, 100, 50)]
    found = [box(0, 0, 100, 20), box(2, 30, 100, 50), box(0, 90, 100, 99)]
    assert matched(found, true, [False, True]) == (1, 1, 2)
    assert matched(found[:1], true, [False, True]) == (1, 1, 1)


def test_hmean_prefers_the_better_pair() -> None:
    true = [box(0, 0, 100, 20), box(20, 0, 120, 20)]
    found = [box(18, 0, 118, 20), box(2, 0, 102, 20)]
    assert matched(found, true, [False, True]) == (1, 1, 1)


def page(*lines: Line, **facts: Any) -> LabelledPage:
    return LabelledPage(Path("a.png"), "set", lines=lines, **facts)


def test_empty_page_read_as_empty_is_perfect() -> None:
    counts = count_page(page(), [])
    assert counts == Counts(pages=1)
    assert set(counts.figures().values()) == {None}


def test_perfect_page() -> None:
    lines = [
        Line(box(0, 0, 100, 20), "你好 World"),
        Line(box(0, 30, 60, 50), "第二行"),
    ]
    figures = count_page(page(*lines), [ReadLine(line.text, line.quad) for line in lines]).figures()
    assert figures == {"bagR": 1, "bagF1": 1, "CER": 0, "exact": 1, "hmean": 1}


def test_spurious_text_costs_f1_and_cer_but_not_recall() -> None:
    truth = page(Line(box(0, 0, 40, 10), "abcd"))
    read = [ReadLine("abcd", box(0, 0, 40, 10)), ReadLine("xx", box(0, 50, 20, 60))]
    figures = count_page(truth, read).figures()
    assert figures == {
        "bagR": 1,
        "bagF1": pytest.approx(0.8),
        "CER": pytest.approx(0.5),
        "exact": 1,
        "hmean": pytest.approx(2 / 3),
    }


def test_text_under_an_ignored_quad_counts_neither_way() -> None:
    ignored = Line(box(0, 0, 100, 20), "###", ignore=True)
    counts = count_page(page(ignored), [ReadLine("whatever", box(5, 1, 90, 20))])
    assert counts == Counts(pages=1)
    under_both = page(ignored, Line(box(0, 0, 100, 20), "ab"))
    assert count_page(under_both, [ReadLine("ab", box(5, 2, 60, 18))]).hits == 2


def test_text_without_box_is_never_ignored() -> None:
    ignored = Line(box(0, 0, 100, 20), "###", ignore=True)
    assert count_page(page(ignored), [ReadLine("ab")]).full_read == 2


def test_figures_that_the_truth_cannot_give_are_none() -> None:
    line, read = Line(box(0, 0, 40, 10), "ab cd"), [ReadLine("ab", box(0, 0, 20, 10))]
    words = count_page(page(line, word_level=True), read).figures()
    assert (words["CER"], words["exact"], words["hmean"]) == (None, None, None)
    assert words["bagR"] == 0.5
    partial = count_page(page(line, partial=True), read).figures()
    assert (partial["bagF1"], partial["CER"], partial["hmean"]) == (None, None, None)
    assert partial["bagR"] == 0.5


def test_crop_is_one_line_whatever_its_pieces() -> None:
    crop = page(Line(None, "hello world"), cropped=True)
    assert count_page(crop, [ReadLine("hello"), ReadLine("world")]).exact == 1
    word = page(Line(None, "it's"), cropped=True, alnum=True)
    assert count_page(word, [ReadLine("ITS!")]).exact == 1


def test_counts_add_up() -> None:
    one, two = Counts(pages=1, hits=3, chars=4), Counts(pages=1, hits=1, chars=4)
    assert (one + two).figures()["bagR"] == 0.5
    assert Counts() + one == one


def test_page_of_mixed_truth_has_known_figures() -> None:
    """Figures worked out independently for one made-up page."""
    truth = page(
        Line(box(10, 10, 110, 30), "合计：￥12.50"),
        Line(box(10, 40, 110, 60), "Thank you"),
        Line(box(10, 70, 50, 90), "谢谢"),
        Line(box(120, 0, 200, 80), "stamp", ignore=True),
    )
    read = [
        ReadLine("合计: Y12.5O", box(12, 11, 108, 29)),
        ReadLine("THANK", box(10, 40, 60, 60)),
        ReadLine("you", box(62, 40, 110, 60)),
        ReadLine("seal", box(130, 10, 190, 70)),
    ]
    counts = count_page(truth, read)
    assert counts == Counts(
        pages=1,
        lines=3,
        exact=0,
        hits=16,
        chars=19,
        full_hits=16,
        full_chars=19,
        full_read=17,
        edits=3,
        edit_chars=19,
        boxes=BoxCounts(1, 1, 3, 3),
    )
