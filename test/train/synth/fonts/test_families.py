"""The list of families: whole, free, and held-out families that training cannot know."""

from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path

import pytest

from train.synth.fonts.families import PACKAGES, held_out_names, read_families

HEADER = "package\tversion\tintegrity\tlicence\tscript\tstyle\tuse\n"
ROW = "@fontsource/one\t1.0.0\tsha512-x\tOFL-1.1\tlatin\tsans\ttrain\n"
# The first word of these is a foundry or says nothing.
TWO_WORDS = {"zcool", "nanum", "mr", "ms", "zen", "press", "days", "black"}


def design(name: str) -> str:
    words = name.split("-")
    return "-".join(words[: 2 if words[0] in TWO_WORDS else 1])


def test_the_list_is_of_pinned_free_families() -> None:
    families = read_families()
    assert len(families) > 750
    assert [f.package for f in families] == sorted(f.package for f in families)
    for family in families:
        method, _, digest = family.integrity.partition("-")
        assert (method, len(base64.b64decode(digest, validate=True))) == ("sha512", 64)
        assert family.version.count(".") == 2


def test_sixty_latin_and_eight_chinese_families_are_held_out() -> None:
    out = [f for f in read_families() if f.use == "held-out"]
    kinds = Counter(f.script if f.script == "latin" else f.style for f in out)
    assert kinds == {"latin": 60, "hand": 4, "display": 4}
    assert len({f.style for f in out if f.script == "latin"}) >= 6
    assert held_out_names() == {f.name for f in out}


def test_no_other_family_shares_its_design_with_a_held_out_one() -> None:
    designs = Counter(design(f.name) for f in read_families())
    debian = [
        line.removeprefix("fonts-").replace("-", "") for line in PACKAGES.read_text("utf8").split()
    ]
    for name in held_out_names():
        assert designs[design(name)] == 1, name
        joined = name.replace("-", "")
        assert not any(d.startswith(joined) or joined.startswith(d) for d in debian), name


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROW.replace("OFL-1.1", "Proprietary"), "Proprietary"),
        (ROW.replace("sans", "fancy"), "fancy"),
        (ROW.replace("latin", "klingon"), "klingon"),
        (ROW.replace("train", "both"), "both"),
        (ROW + ROW.replace("@fontsource", "@others"), "twice"),
    ],
)
def test_wrong_line_of_the_list_is_named(tmp_path: Path, rows: str, message: str) -> None:
    path = tmp_path / "list.tsv"
    path.write_text(HEADER + rows, encoding="utf8")
    with pytest.raises(ValueError, match=message):
        read_families(path)


def test_empty_list_of_families_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.tsv"
    path.write_text(HEADER, encoding="utf8")
    assert read_families(path) == ()
