"""Punctuation policies: what each writes, and that characters keep making up their lines where they stood."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from ocr.formats.punctuation import POLICIES, apply
from ocr.line.characters import spread
from ocr.result import Angle, Elapsed, Page, TextLine

BOX = ((0, 0), (100, 0), (100, 10), (0, 10))


def page_of(*texts: str, known: bool = True) -> Page:
    lines = tuple(TextLine(t, 0.5, BOX, spread(t, 0.5) if known else ()) for t in texts)
    return Page("a", 0, 100, 100, Angle(0, 1), lines, Elapsed(0, 0, 0, 0, 0))


def written(text: str, policy: str) -> str:
    return apply(page_of(text), policy).text


def test_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="raw, nfkc, halfwidth, fullwidth"):
        apply(page_of("a"), "wide")


def test_pages_without_lines_stay_unchanged() -> None:
    for policy in POLICIES:
        assert apply(page_of(), policy) == page_of()


def test_raw_is_the_page_itself() -> None:
    page = page_of("，,Ａa…")
    assert apply(page, "raw") is page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好, 世界! 第3.5节 (见图2).", "你好，世界！第3.5节（见图2）。"),
        ('他说"引用"结束;', "他说“引用”结束；"),
        ("Hello, world (test).", "Hello, world (test)."),
        ("文件.txt", "文件.txt"),
        ("时间:12:30", "时间：12:30"),
        ("等等...", "等等..."),
        ("1,284.50元.", "1,284.50元。"),
        ("3.", "3."),
        ("中文 English 中文", "中文 English 中文"),
        ("it's", "it's"),
        ("(a)(", "(a)("),
        ("你好？!", "你好？！"),
    ],
)
def test_full_width_beside_chinese_only(text: str, expected: str) -> None:
    assert written(text, "fullwidth") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好，世界。", "你好,世界."),
        ("ＡＢ１２（３）％", "AB12(3)%"),
        ("“引”「号」、《书》", '"引""号",<书>'),
        ("a\u3000b", "a b"),
        ("plain", "plain"),
    ],
)
def test_halfwidth_policy_writes_ascii_forms(text: str, expected: str) -> None:
    assert written(text, "halfwidth") == expected


def test_half_width_leaves_no_wide_form_of_ascii() -> None:
    text = "".join(chr(code) for code in range(0xFF01, 0xFF5F))
    assert written(text, "halfwidth") == "".join(chr(code) for code in range(0x21, 0x7F))


def _random_texts(rng: np.random.Generator) -> list[str]:
    pool = [
        *"ab1中文，。（）,.!?:;()[]\"' …㎏½ﬁｶﾞÅ¼",
        "\u3000",
        "e",
        "\u0301",
        "\uac00",
        "\u1100",
        "\u1161",
    ]
    return ["".join(rng.choice(pool, int(rng.integers(1, 14)))) for _ in range(300)]


def test_nfkc_policy_equals_unicode_nfkc(rng: np.random.Generator) -> None:
    for text in _random_texts(rng):
        expected = unicodedata.normalize("NFKC", text)
        assert written(text, "nfkc") == (expected if expected.strip() else "")


@pytest.mark.parametrize("policy", POLICIES)
def test_characters_make_up_the_text_where_they_stood(
    policy: str, rng: np.random.Generator
) -> None:
    for text in _random_texts(rng):
        before = page_of(text)
        for line in apply(before, policy).lines:
            assert "".join(character.text for character in line.characters) == line.text
            assert all(character.text for character in line.characters)
            places = {(c.start, c.stop) for c in before.lines[0].characters}
            assert {(c.start, c.stop) for c in line.characters} <= places
            starts = [character.start for character in line.characters]
            assert starts == sorted(starts)
            assert (line.box, line.score) == (BOX, 0.5)


@pytest.mark.parametrize("policy", ["nfkc", "halfwidth", "fullwidth"])
def test_a_policy_applied_twice_changes_nothing_more(policy: str, rng: np.random.Generator) -> None:
    for text in [
        "你好, 世界!",
        "ＡＢ１２",
        "㎏½ﬁ",
        *(_random_texts(rng) if policy != "fullwidth" else []),
    ]:
        once = written(text, policy)
        assert not once or written(once, policy) == once


@pytest.mark.parametrize("policy", POLICIES)
def test_lines_without_characters_stay_without_characters(policy: str) -> None:
    known, unknown = (apply(page_of("你好, ｗorld", known=k), policy) for k in (True, False))
    assert known.text == unknown.text
    assert unknown.lines[0].characters == ()


def test_line_left_empty_by_a_policy_is_removed() -> None:
    assert [line.text for line in apply(page_of("\u3000", "a"), "halfwidth").lines] == ["a"]
