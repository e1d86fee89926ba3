"""How every Han character of the charset is read, in three faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("fontTools")

from common.arrays import Image
from recognition.charset import LARGEST, Charset
from train.evaluate import __main__ as program
from train.evaluate.characters import (
    CHARSETS,
    LENGTH,
    CharacterLine,
    character_lines,
    format_characters,
    group_characters,
    group_figures,
    measure_characters,
    regular_faces,
)
from train.synth.typesetting.face import Face

MakeFont = Callable[..., bytes]


class Reading(NamedTuple):
    text: str


def face(path: Path, characters: str, family: str = "Noto Sans CJK SC") -> Face:
    codes = frozenset(map(ord, characters))
    return Face(f"{family} Regular {path.stem}", path, 0, "sans", codes, han=True, family=family)


def test_groups_hold_every_han_character_once() -> None:
    groups = group_characters()
    assert list(groups) == list(CHARSETS)
    every = [c for group in groups.values() for c in group]
    assert len(set(every)) == len(every) > 10_000
    assert set(every) <= set(Charset.load(LARGEST).characters)
    assert "的" in groups["zh_en"] and "們" in groups["zh_hant_en"] and "a" not in every


def test_each_face_draws_each_character_it_has_once(make_font: MakeFont, tmp_path: Path) -> None:
    texts = "的一是不了在有人中大上个国我以要他时来用们", "的一是不了在"
    faces = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.ttf"
        path.write_bytes(make_font(text))
        faces.append(face(path, text, f"family {number}"))
    lines = list(character_lines(faces, texts[0]))
    for number, text in enumerate(texts):
        own = [line for line in lines if line.family == f"family {number}"]
        assert sorted("".join(line.text for line in own)) == sorted(text)
        assert {len(line.text) for line in own[:-1]} <= {LENGTH}
        assert all(line.image.min() < 30 and line.image[0, 0, 0] == 255 for line in own)
    again = list(character_lines(faces, texts[0]))
    assert [line.text for line in again] == [line.text for line in lines]


def test_characters_are_counted_where_they_stand() -> None:
    image = np.full((8, 8, 3), 255, np.uint8)
    lines = [CharacterLine("one", "的一们們", image), CharacterLine("two", "的一們们", image)]

    def recognize(crops: Sequence[Image]) -> list[Reading]:
        return [Reading("的们們"), Reading("的二們X们")][: len(crops)]

    shares = measure_characters(lines, recognize)
    assert shares == {"的": 1.0, "一": 0.0, "们": 1.0, "們": 1.0}
    figures = group_figures({**shares, "們": 0.5})
    assert figures["zh_en"] == {"characters": 3, "read": 2 / 3, "mostly": 2 / 3}
    assert figures["zh_hant_en"] == {"characters": 1, "read": 0.5, "mostly": 0.0}
    assert LARGEST not in figures
    assert len(format_characters(figures).splitlines()) == 3


def test_without_the_faces_it_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no Noto Serif CJK SC, LXGW.*apt-get install"):
        regular_faces([face(tmp_path / "a.ttf", "的")])


def test_command_line_prints_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CharacterLine("one", "的們", np.full((8, 8, 3), 255, np.uint8))
    monkeypatch.setattr(program, "read_faces", lambda folders: [])
    monkeypatch.setattr(program, "build", lambda *_, **options: lambda crops: [Reading("的")])
    with pytest.raises(SystemExit, match="no Noto Sans"):
        program.main(["--characters"])
    monkeypatch.setattr(program, "regular_faces", lambda faces: faces)
    monkeypatch.setattr(program, "character_lines", lambda faces, characters: [line])
    program.main(["--characters", "--json", str(tmp_path / "shares.json")])
    out = capsys.readouterr().out.splitlines()
    assert out[1].split() == ["zh_en", "1", "1.000", "1.000"]
    assert out[2].split() == ["zh_hant_en", "1", "0.000", "0.000"]
    assert "們" in (tmp_path / "shares.json").read_text("utf8")
