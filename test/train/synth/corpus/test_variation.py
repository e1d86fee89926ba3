"""Rarer variants of text: the other script, exchanged marks, lists."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("opencc")

from recognition.charset import Charset
from train.synth.corpus.sentences import (
    Corpus,
    variation,
)


def test_traditional_is_the_other_script_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert variation.traditional(rng, "检测 OCR 的参数，适当减少。")[:2] == "檢測"
        assert variation.traditional(rng, "Nothing Chinese, 42.") == "Nothing Chinese, 42."


def test_other_marks_change_marks_alone() -> None:
    rng = np.random.default_rng(0)
    text = "甲，乙。丙；a, b."
    changed = {variation.other_marks(rng, text) for _ in range(50)}
    assert len(changed) > 10
    for other in changed:
        assert [c for c in other if c not in "，。；：、！？"] == list("甲乙丙a, b.")
        assert len(other) == len(text)


def test_lists_keep_their_words() -> None:
    rng = np.random.default_rng(0)
    listed = {variation.enumeration(rng, ["红", "绿"]) for _ in range(200)}
    assert {"“红”、“绿”", "《红》《绿》", "'红', '绿'"} <= listed
    assert all("红" in text and "绿" in text for text in listed)
    items = {variation.item(rng, "说明") for _ in range(300)}
    assert all(text.endswith("说明") and len(text) > 2 for text in items)
    assert any(text.startswith("1.") for text in items)
    assert any(text[0] == "•" for text in items)


def test_bullet_points_fit_and_can_be_drawn() -> None:
    corpus, rng = Corpus.load(None), np.random.default_rng(0)
    charset = Charset.load()
    for length in (2, 5, 24):
        for _ in range(100):
            text = corpus.point(rng, length)
            assert text.strip() == text != ""
            assert len(text) <= length + 8
            assert not charset.missing(text)


def test_corpus_has_both_chinese_scripts() -> None:
    corpus, rng = Corpus.load(None), np.random.default_rng(0)
    lines = {corpus.sentence(rng, "zh") for _ in range(600)}
    assert any("氣" in line for line in lines)
    assert any("气" in line for line in lines)
