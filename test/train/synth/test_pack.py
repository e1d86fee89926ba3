"""What a packed face draws: everything once, then what texts have most of."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.characters import is_han

pytest.importorskip("fontTools")

from recognition.charset import Charset
from train.synth.pack import _TIERS, _texts


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
