"""Charset: text to classes and back, with nothing lost and nothing twice."""

from __future__ import annotations

import pytest

from common.characters import is_han
from recognition.charset import LARGEST, Charset, normalize


def test_shipped_charset_has_what_the_project_promises() -> None:
    charset = Charset.load()
    assert " " in charset
    assert not charset.missing("".join(map(chr, range(32, 127))))
    assert not charset.missing("，。、；：？！“”‘’（）《》【】…—～·℃√≤①€£×")
    gb2312 = bytes(
        b for high in range(0xB0, 0xD7) for low in range(0xA1, 0xFF) for b in (high, low)
    )
    assert not charset.missing(gb2312.decode("gb2312", errors="ignore"))
    big5_common = bytes(
        b
        for high in range(0xA4, 0xC7)
        for low in [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
        for b in (high, low)
    )
    han = {c for c in big5_common.decode("big5", errors="ignore") if is_han(c)}
    assert len(han) > 5000
    assert not charset.missing("".join(han))
    assert 9300 < len(charset) < 9700


def test_the_largest_charset_has_all_standard_characters() -> None:
    charset = Charset.load(LARGEST)
    assert not charset.missing("†‡①½²³μΩ≥≤‰℃№§±×÷")
    assert not charset.missing(
        "㑇㧑䲢龀龁亍彳𫓹𬺈𫟅"
    )  # of the third level of the 8 105, some beyond 16 bits
    assert 10_700 < len(charset) < 10_800


@pytest.mark.parametrize(
    ("smaller", "larger"), [("zh_en", "zh_hant_en"), ("zh_hant_en", "zh_8105_en")]
)
def test_the_larger_charset_only_adds_to_the_smaller(smaller: str, larger: str) -> None:
    small, large = Charset.load(smaller), Charset.load(larger)
    assert large.characters[: len(small)] == small.characters


def test_weights_say_by_their_classes_which_charset_they_read() -> None:
    for name in ("zh_en", "zh_hant_en", LARGEST):
        charset = Charset.load(name)
        assert Charset.of_classes(charset.classes).characters == charset.characters
    for classes in (0, 1, Charset.load(LARGEST).classes + 1):
        with pytest.raises(ValueError, match=rf"have {classes} classes, expected 2 to 10774"):
            Charset.of_classes(classes)


def test_encode_decode_round_trip_and_blank_is_zero() -> None:
    charset = Charset.load()
    text = "订单 No.42：共计 ¥1,234.50（含税）"
    classes = charset.encode(text)
    assert 0 not in classes
    assert charset.decode(classes) == text
    assert charset.decode([0, *classes, 0]) == text
    assert charset.encode("") == []
    assert charset.classes == len(charset) + 1


def test_unknown_characters_are_named() -> None:
    with pytest.raises(ValueError, match="𠀀"):
        Charset.load().encode("𠀀")


@pytest.mark.parametrize("characters", [["a", "a"], ["ab"], ["\n"], ["\u200b"]])
def test_bad_charsets_are_refused(characters: list[str]) -> None:
    with pytest.raises(ValueError, match="charset holds"):
        Charset(characters)


def test_normalize_folds_width_but_keeps_chinese_punctuation() -> None:
    assert normalize("ＡＢＣ１２３") == "ABC123"
    assert normalize("你好\u3000，世界！") == "你好 ，世界！"
    assert normalize(normalize("ﬁ－Ｚ")) == normalize("ﬁ－Ｚ")
