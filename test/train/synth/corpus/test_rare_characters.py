"""Rare characters among their neighbours: each as likely as any other, always inside what is cut."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from train.synth.corpus.rare_characters import PLACES, RareCharacters, around
from train.synth.corpus.sentences import Corpus


def test_a_rare_character_comes_as_often_as_a_common_one() -> None:
    found = RareCharacters([["的天地"] * 500, ["橙的"]], "的天橙鬱")
    assert found.characters == sorted("的天橙")
    rng = np.random.default_rng(2)
    drawn = Counter(found.draw(rng) for _ in range(3000))
    for character in "的天橙":
        times = sum(count for (each, line), count in drawn.items() if each == character)
        assert 850 < times < 1150
    assert all(character in line for character, line in drawn)


def test_a_character_is_shown_in_different_lines() -> None:
    lines = [f"的{i}" for i in range(1000)]
    rng = np.random.default_rng(3)
    characters = RareCharacters([lines], "的")
    seen = {characters.draw(rng)[1] for _ in range(400)}
    assert len(seen) == PLACES
    assert max(int(line[1:]) for line in seen) > 200, "taken from all of the text"


def test_what_is_cut_holds_the_character_wherever_it_stands() -> None:
    rng = np.random.default_rng(4)
    starts = Counter()
    for _ in range(500):
        cut = around(rng, "甲乙丙橙丁戊己庚", "橙", 3)
        assert "橙" in cut
        assert len(cut) == 3
        starts[cut.index("橙")] += 1
    assert set(starts) == {0, 1, 2}
    assert around(rng, "橙", "橙", 5) == "橙"


def test_rare_phrases_are_of_the_charset(tmp_path: Path) -> None:
    (tmp_path / "zh_a.txt").write_text("甲𠀀乙\t\t丙的天\n橙色的𠀀衣服\n", encoding="utf8")
    corpus, rng = Corpus.load(tmp_path), np.random.default_rng(5)
    for _ in range(100):
        text = corpus.rare(rng, 4)
        assert text
        assert len(text) <= 4
        assert not corpus.charset.missing(text)
    (tmp_path / "zh_a.txt").write_text("only latin\n", encoding="utf8")
    with pytest.raises(LookupError, match="none of the characters"):
        Corpus.load(tmp_path).rare(rng, 4)
