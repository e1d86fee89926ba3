"""Of a package's many files, those that make up regular and bold faces."""

from __future__ import annotations

import pytest

pytest.importorskip("fontTools")

from train.synth.fonts.pieces import choose_pieces


def files(name: str, subsets: str, weights: str, slopes: str = "normal italic") -> list[str]:
    return [
        f"package/files/{name}-{subset}-{weight}-{slope}.{suffix}"
        for subset in subsets.split()
        for weight in weights.split()
        for slope in slopes.split()
        for suffix in ("woff", "woff2")
    ]


def test_a_package_without_fonts() -> None:
    assert choose_pieces(["package/README.md"], name="one", han=False) == {}


def test_latin_takes_the_weights_nearest_to_regular_and_bold_in_both_slopes() -> None:
    names = files("one", "latin latin-ext cyrillic greek", "100 300 500 800 900")
    faces = choose_pieces(names, name="one", han=False)
    assert sorted(faces) == [f"one-{w}-{s}" for w in (300, 800) for s in ("italic", "normal")]
    assert faces["one-300-normal"] == [
        f"package/files/one-{subset}-300-normal.woff2" for subset in ("latin", "greek")
    ]


def test_no_bold_below_semibold() -> None:
    names = files("one", "latin", "300 400 500", "normal")
    assert list(choose_pieces(names, name="one", han=False)) == ["one-400-normal"]


def test_chinese_takes_the_numbered_pieces_upright() -> None:
    names = files("one", "latin chinese-simplified 1 2 10 117", "400")
    faces = choose_pieces(names, name="one", han=True)
    assert list(faces) == ["one-400-normal"]
    subsets = [name.split("/one-")[1].split("-400")[0] for name in faces["one-400-normal"]]
    assert subsets[0] == "latin"
    assert sorted(subsets[1:]) == ["1", "10", "117", "2"]


def test_family_of_a_whole_chinese_piece_takes_it_alone() -> None:
    whole = choose_pieces(files("one", "latin japanese", "400", "normal"), name="one", han=True)
    assert len(whole["one-400-normal"]) == 2
    korean = choose_pieces(files("one", "latin 1 2 3", "400", "normal"), name="one", han=False)
    assert korean["one-400-normal"] == ["package/files/one-latin-400-normal.woff2"]


def test_a_folder_for_each_face() -> None:
    names = [
        f"package/dist/One-{face}/{piece}.woff2"
        for face in ("Regular", "Bold", "SemiBold", "BoldItalic", "Thin")
        for piece in ("a0", "b1")
    ]
    faces = choose_pieces(names, name="one", han=True)
    assert faces == {
        "one-400-normal": [
            "package/dist/One-Regular/a0.woff2",
            "package/dist/One-Regular/b1.woff2",
        ],
        "one-700-normal": ["package/dist/One-Bold/a0.woff2", "package/dist/One-Bold/b1.woff2"],
    }


def test_pieces_of_another_name_are_left_alone() -> None:
    names = [*files("one", "latin", "400"), *files("one-mini", "latin", "400")]
    assert all(
        "mini" not in p
        for face in choose_pieces(names, name="one", han=False).values()
        for p in face
    )
