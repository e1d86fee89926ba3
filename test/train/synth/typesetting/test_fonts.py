"""Which faces are drawn how often, and that held-out families never are."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fontTools")

from train.synth.fonts.families import held_out_names
from train.synth.typesetting import fonts as module
from train.synth.typesetting.face import Face
from train.synth.typesetting.fonts import (
    COMMON_SHARE,
    LATIN_ASKED,
    LATIN_SHARES,
    FontLibrary,
    read_faces,
)

MakeFont = Callable[..., bytes]
LETTERS = frozenset(range(33, 127))
HAN = "的一是不了在有人中大"


def face(name: str, style: str, codes: frozenset[int] = LETTERS, *, han: bool = False) -> Face:
    return Face(f"{name} Regular", Path(name), 0, style, codes, han, family=name)


def shares(library: FontLibrary, style: str | None, text: str = "abc") -> dict[str, float]:
    rng = np.random.default_rng(5)
    names = Counter(library.choose(rng, text, style=style).family for _ in range(4000))
    return {name: count / 4000 for name, count in names.items()}


def test_every_style_has_its_share_whatever_the_number_of_families() -> None:
    faces = [
        face(f"{style}{i}", style) for n, style in enumerate(LATIN_SHARES) for i in range(n + 1)
    ]
    drawn: Counter[str] = Counter()
    for name, share in shares(FontLibrary(faces), None).items():
        drawn[name.rstrip(string.digits)] += share  # type: ignore[assignment]
    for style, share in LATIN_SHARES.items():
        assert drawn[style] == pytest.approx(share, abs=0.03), style


def test_a_style_that_is_missing_leaves_its_share_to_the_others() -> None:
    drawn = shares(FontLibrary([face("a", "sans"), face("b", "mono")]), None)
    expected = LATIN_SHARES["sans"] / (LATIN_SHARES["sans"] + LATIN_SHARES["mono"])
    assert drawn["a"] == pytest.approx(expected, abs=0.03)


def test_documents_faces_keep_their_share_among_hundreds() -> None:
    names = ["Liberation", "DejaVu", *(f"x{i}" for i in range(300))]
    drawn = shares(FontLibrary(face(name, "sans") for name in names), "sans")
    assert drawn["Liberation"] + drawn["DejaVu"] == pytest.approx(COMMON_SHARE, abs=0.03)
    assert drawn["Liberation"] > 2 * drawn["DejaVu"]
    assert len(drawn) > 250


def test_display_faces_of_a_common_family_are_as_rare_as_others() -> None:
    drawn = shares(
        FontLibrary(face(name, "pixel") for name in ("Noto Sans", "a", "b", "c")), "pixel"
    )
    assert drawn == pytest.approx(dict.fromkeys(("Noto Sans", "a", "b", "c"), 0.25), abs=0.03)


def test_faces_are_chosen_by_style() -> None:
    library = FontLibrary(face(style, style) for style in LATIN_SHARES)
    assert set(shares(library, "mono")) == {"mono"}
    drawn = shares(library, "display")
    assert drawn == pytest.approx(LATIN_ASKED["display"], abs=0.03)
    assert set(shares(FontLibrary([face("a", "sans")]), "display")) == {"a"}


def test_capitals_are_not_set_in_scripts() -> None:
    library = FontLibrary([face("plain", "sans"), face("joined", "script")])
    assert set(shares(library, None, "ABC")) == {"plain"}
    assert set(shares(library, None, "Abc")) == {"plain", "joined"}


def test_a_face_of_capitals_draws_no_small_letters() -> None:
    capitals = face("caps", "display", LETTERS - frozenset(map(ord, string.ascii_lowercase)))
    library = FontLibrary([capitals, face("plain", "sans")])
    assert set(shares(library, "display", "ABC")) == {"caps"}
    assert set(shares(library, "display", "Abc")) == {"plain"}


def test_a_character_of_one_face_is_found() -> None:
    rare = face("rare", "serif", frozenset(map(ord, "℃")))
    library = FontLibrary([rare, *(face(f"x{i}", "sans") for i in range(50))])
    rng = np.random.default_rng(0)
    assert all(library.choose(rng, "℃").family == "rare" for _ in range(20))
    with pytest.raises(LookupError, match="no face"):
        library.choose(rng, "℃a")


def test_the_same_seed_draws_the_same_faces_in_whatever_order_files_come() -> None:
    faces = [face(f"{style}{i}", style) for style in LATIN_SHARES for i in range(5)]
    drawn = [
        [FontLibrary(order).choose(np.random.default_rng(seed), "abc").name for seed in range(30)]
        for order in (faces, faces[::-1])
    ]
    assert drawn[0] == drawn[1]


def test_held_out_families_are_read_but_never_in_a_library(
    make_font: MakeFont, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_FONTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "MIN_HAN", 1)
    monkeypatch.setattr(module, "MIN_LATIN", 1)
    font = make_font(string.printable.strip() + HAN)
    out = sorted(held_out_names())
    folder = tmp_path / "fonts"
    for name in (*out, "abel"):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}-400-normal.ttf").write_bytes(font)
    (folder / "abel/Other.ttf").write_bytes(make_font(string.printable.strip()))
    (folder / ".abel.12").mkdir()
    (folder / ".abel.12/abel-400-normal.ttf").write_bytes(font)
    read = {f.path.name: f.family for f in read_faces([folder])}
    assert set(out) < set(read.values())
    library = FontLibrary.load(folder)
    assert {f.path.name for f in library.faces} == {"abel-400-normal.ttf", "Other.ttf"}
    assert library.han[0].style == "sans"


def test_library_of_too_few_faces_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_FONTS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(FileNotFoundError, match="0 Chinese and 0 Latin"):
        FontLibrary.load(tmp_path)


def test_small_letters_that_are_other_capitals_are_not_drawn(
    make_font: MakeFont, tmp_path: Path
) -> None:
    letters = string.printable.strip()
    (tmp_path / "rock-salt-400-normal.ttf").write_bytes(make_font(letters))
    (drawn,) = read_faces([tmp_path])
    assert (drawn.style, drawn.family) == ("hand", "rock-salt")
    assert drawn.covers("ABC 123")
    assert not drawn.covers("Abc")
