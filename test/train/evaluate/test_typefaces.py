"""Clean lines in typefaces that training never draws with."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("fontTools")

from common.arrays import Image
from recognition.charset import Charset
from train.evaluate import __main__ as program
from train.evaluate import typefaces
from train.evaluate.typefaces import (
    PHRASES,
    WORDS,
    TypefaceLine,
    format_typefaces,
    held_out_lines,
    measure_typefaces,
    read_texts,
)

MakeFont = Callable[..., bytes]


class Reading(NamedTuple):
    text: str


@pytest.fixture
def folder(make_font: MakeFont, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of three held-out families: a script, a Chinese hand and Chinese display."""
    monkeypatch.setenv("OCR_FONTS_CACHE", str(tmp_path / "cache"))
    names = ("allura", "long-cang", "potta-one")
    monkeypatch.setattr(typefaces, "held_out_names", lambda: frozenset(names))
    latin = string.ascii_letters + string.digits + string.punctuation
    phrases = "".join(read_texts()[1])
    for name, text in zip(names, (latin, latin + phrases, latin + phrases[:400]), strict=True):
        path = tmp_path / f"held-out/{name}/{name}-400-normal.ttf"
        path.parent.mkdir(parents=True)
        path.write_bytes(make_font(text + "的一是不了在有人中大"))
    (tmp_path / "held-out/allura/allura-400-normal.ttf").write_bytes(make_font(latin))
    return tmp_path / "held-out"


def test_texts_are_many_and_in_the_charset() -> None:
    words, phrases = read_texts()
    assert len(set(words)) == len(words) > 300
    assert len(set(phrases)) == len(phrases) > 150
    assert not Charset.load().missing("".join(words + phrases))


def test_lines_are_dark_on_white_and_the_same_every_time(folder: Path) -> None:
    lines = list(held_out_lines(folder))
    counts = {name: sum(line.family == name for line in lines) for name in ("allura", "long-cang")}
    assert counts == {"allura": WORDS, "long-cang": PHRASES}
    last = {line.groups[-1] for line in lines}
    assert last == {typefaces.LATIN_HANDS, typefaces.HANDS, typefaces.DISPLAY}
    for line in lines:
        assert line.image.dtype == np.uint8
        assert line.image.min() < 30
        assert (line.image[:5] == 255).all()
    assert not any(line.text.isupper() for line in lines if line.family == "allura")
    again = list(held_out_lines(folder))
    assert [line.text for line in again] == [line.text for line in lines]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(again, lines, strict=True))


def test_only_what_a_face_draws_is_asked_of_it(folder: Path) -> None:
    drawn = set("".join(read_texts()[1])[:400]) | set("的一是不了在有人中大")
    asked = {line.text for line in held_out_lines(folder) if line.family == "potta-one"}
    assert asked
    assert all(set(text) <= drawn for text in asked)


def test_library_without_held_out_families_is_refused(folder: Path) -> None:
    (folder / "allura/allura-400-normal.ttf").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 3 .*allura.*fetch"):
        list(held_out_lines(folder))


def test_shares_by_group_and_by_family() -> None:
    image = np.full((8, 8, 3), 255, np.uint8)
    groups = (typefaces.LATIN, typefaces.LATIN_PRINT)
    lines = [TypefaceLine(groups, "one", text, image) for text in ("a", "b", "c", "d")]
    lines.append(TypefaceLine(groups, "two", "e", image))

    def recognize(crops: Sequence[Image]) -> list[Reading]:
        return [Reading(text) for text in "abcxe"[: len(crops)]]

    figures = measure_typefaces(lines, recognize)
    assert figures[typefaces.LATIN] == figures[typefaces.LATIN_PRINT] == {"lines": 5, "exact": 0.8}
    assert figures["one"] == {"lines": 4, "exact": 0.75}
    assert figures["two"] == {"lines": 1, "exact": 1.0}
    assert measure_typefaces([], recognize) == {}
    rows = format_typefaces(figures, worst=1).splitlines()
    assert [row[:28].strip() for row in rows[1:]] == ["Latin words", "of these print", "one"]


def test_command_line_prints_shares_by_family(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(program, "held_out_folder", lambda: folder)
    read = lambda crops: [Reading("x")] * len(crops)  # noqa: E731
    monkeypatch.setattr(program, "build", lambda *_, **options: read)
    program.main(["--typefaces", "--json", str(tmp_path / "figures.json")])
    assert "Chinese hands" in capsys.readouterr().out
    assert "allura" in (tmp_path / "figures.json").read_text("utf8")
    with pytest.raises(SystemExit, match="which pictures"):
        program.main([])
