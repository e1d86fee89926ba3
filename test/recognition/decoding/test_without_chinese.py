"""Reading without Chinese: what was surely Chinese is left out, what only looks like it is read as something else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

import ocr
from common.arrays import Floats, Image
from ocr.formats.draw import find_font
from recognition.recognizer import Recognizer

CHARSET = "型号一。，（abX2- ±("


def line(text: str, doubts: dict[str, str] | None = None, sure: float = 0.97) -> Floats:
    """Log-probabilities (T, C) of a text: each character on a step of its own, blanks between.

    Args:
        text: what the network sees.
        doubts: what it takes a character for instead, with nearly all that is left.
        sure: how sure it is of these; of the others .97.
    """
    classes = {c: i for i, c in enumerate(CHARSET, 1)}
    rows = np.full((2 * len(text), len(CHARSET) + 1), 1e-4, np.float32)
    rows[1::2, 0] = 1.0
    for i, character in enumerate(text):
        other = (doubts or {}).get(character)
        rows[2 * i, classes[character]] = sure if other else 0.97
        if other:
            rows[2 * i, classes[other]] = 0.98 - sure
    return np.log(rows / rows.sum(axis=1, keepdims=True))


def read(log_probs: Floats, **options: object) -> str:
    def network(batch: Image) -> Sequence[Floats]:
        return (log_probs[None],)

    crop = np.zeros((32, 8 * len(log_probs), 3), np.uint8)
    given = {"chinese": False, "stride": 8, **options}
    (reading,) = Recognizer(network, charset=CHARSET, **given)([crop])  # type: ignore[arg-type]
    assert len(reading.text) == len(reading.char_spans) == len(reading.char_scores)
    return reading.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("型号 X2 ab", "X2 ab"),
        ("ab 型号 X2", "ab X2"),
        ("ab型号X2", "abX2"),
        ("型号，型号。", ""),
        ("型号", ""),
        ("a±b", "a±b"),
    ],
)
def test_chinese_is_left_out_and_nothing_comes_in_its_place(text: str, expected: str) -> None:
    assert read(line(text, {"型": "a", "号": "b"})) == expected
    assert read(line(text), chinese=True).replace("，", ",") == text.replace("，", ",")


def test_what_may_be_a_letter_is_read_as_one() -> None:
    assert read(line("X一2", {"一": "-"})) == "X-2"
    assert read(line("a型", {"型": "b"}, sure=0.49)) == "ab"
    assert read(line("（X2", {"（": "("})) == "(X2"


def test_attention_cannot_leave_it_out() -> None:
    with pytest.raises(ValueError, match="languages"):
        Recognizer(lambda batch: (), charset="ab", decoder="attention", chinese=False)


@pytest.mark.slow
@pytest.mark.skipif(find_font(20) is None, reason="needs a typeface with Chinese")
def test_lines_of_both_languages() -> None:
    """The words come out alone; before, Chinese came out as marks and letters at random."""
    image = PIL.Image.new("RGB", (700, 220), "white")
    for i, text in enumerate(["设备型号 Model X200 出厂", "请输入 password 登录", "图书馆开放"]):
        PIL.ImageDraw.Draw(image).text((30, 30 + 60 * i), text, "black", find_font(28))
    page = ocr.load(threads=1, languages=["en"]).read(image)
    assert [each.text for each in page.lines] == ["Model X200", "password"]
