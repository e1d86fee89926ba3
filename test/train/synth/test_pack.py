"""What a packed face draws: everything once, then what texts have most of."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import pytest

from common.characters import is_han

pytest.importorskip("fontTools")

from recognition.charset import Charset
from train.synth.fonts.stroke_data import read_strokes, strokes_path, write_strokes
from train.synth.pack import _TIERS, _by_turns, _fonts, _strokes, _texts
from train.synth.typesetting.face import Face
from train.synth.typesetting.fonts import read_faces

MakeFont = Callable[..., bytes]


def test_the_first_faces_draw_everything_and_the_others_what_is_frequent(tmp_path: Path) -> None:
    rare = "龘鬱麤"
    (tmp_path / "zh_a.txt").write_text("的龙龙\n" * 40, encoding="utf8")
    (tmp_path / "zh_b.txt").write_text("的一是不了\n", encoding="utf8")
    texts = _texts(tmp_path)
    characters = Charset.load().characters
    assert len(texts) == sum(faces or 1 for faces, _ in _TIERS)
    assert sorted(texts[0]) == sorted(characters)
    kept = _TIERS[-1][1]
    assert kept is not None
    han = [c for c in texts[-1] if is_han(c)]
    assert len(han) == kept
    assert set("的龙一是不了") <= set(han)
    assert not set(rare) & set(han)
    others = {c for c in characters if not is_han(c)}
    assert others <= set(texts[-1])


def test_every_family_comes_before_a_second_face_of_any() -> None:
    faces = [
        Face(f"{family}{i}", Path(f"{family}{i}"), 0, "sans", frozenset(), False, family=family)
        for family, count in (("a", 9), ("b", 1), ("c", 3))
        for i in range(count)
    ]
    ordered = _by_turns(faces)
    assert sorted(face.name for face in ordered) == sorted(face.name for face in faces)
    assert {face.family for face in ordered[:3]} == {"a", "b", "c"}
    assert {face.family for face in ordered[3:5]} == {"a", "c"}
    assert _by_turns([]) == []


def test_strokes_travel_with_their_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_FONTS_CACHE", str(tmp_path / "cache"))
    assert _strokes(tmp_path / "pack" / "strokes") == 0
    assert not (tmp_path / "pack").exists()
    strokes_path().parent.mkdir(parents=True)
    cross = {"十": [[[100, 400], [900, 400]], [[500, 850], [500, -80]]]}
    write_strokes(strokes_path(), cross)
    (strokes_path().parent / "ARPHICPL.TXT").write_text("licence")
    size = _strokes(tmp_path / "pack" / "strokes")
    assert size == strokes_path().stat().st_size + len("licence")
    monkeypatch.setenv("OCR_FONTS_CACHE", str(tmp_path / "pack"))
    strokes = read_strokes()
    assert strokes is not None and len(strokes.of("十")[1]) == 2


def test_packed_faces_keep_their_family_and_draw_what_was_asked(
    make_font: MakeFont, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_FONTS_CACHE", str(tmp_path / "cache"))
    letters = string.ascii_letters + string.digits + string.punctuation
    for name in ("lobster", "vt323"):
        (tmp_path / f"{name}-400-normal.ttf").write_bytes(make_font(letters + "的一"))
    faces = read_faces([tmp_path])
    _fonts(faces, tmp_path / "packed", 10**6, [letters])
    packed = read_faces([tmp_path / "packed"])
    assert {(f.family, f.style) for f in packed} == {("lobster", "script"), ("vt323", "pixel")}
    assert all(f.codes == frozenset(map(ord, letters)) for f in packed)
    _fonts(faces, tmp_path / "small", 1, [letters])
    assert not list((tmp_path / "small").iterdir())
