"""Values and contexts: every form is drawn, and hardly says what the charset cannot."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from recognition.charset import Charset, normalize
from train.synth.corpus import measures, values
from train.synth.corpus.contexts import in_context
from train.synth.corpus.sentences import Corpus


def drawn(count: int) -> list[str]:
    rng = np.random.default_rng(4)
    return [values.value(rng) for _ in range(count)]


def test_values_are_of_the_charset_and_plain() -> None:
    charset = Charset.load()
    texts = drawn(3000)
    assert all(normalize(text) == text for text in texts)
    missing = Counter(c for text in texts for c in charset.missing(text))
    assert sum(missing.values()) < 30, missing


def test_every_kind_of_value_is_drawn() -> None:
    texts = drawn(4000)
    for pattern in (
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][· ]?[A-Z0-9]{5}",
        r"\D*\d{1,3}(,\d{3})+\.\d\d\)?",
        r"\d{4}-\d\d-\d\d",
        r"\d\d:\d\d:\d\d",
        r"\S+@\S+\.\S+",
        r"https?://\S+",
        r"([A-Z][a-z]?\d?){2,}\+.+(=|→|—).+",
        r".*\d±\d.*",
        r".*\d(m²|m³|cm²|cm³|mm²)",
        r".*\d ?(℃|‰|Ω|μm)",
    ):
        assert any(re.fullmatch(pattern, text) for text in texts), pattern


def test_cells_are_short_and_prices_have_figures() -> None:
    rng = np.random.default_rng(2)
    assert all(1 <= len(values.cell(rng)) <= 3 for _ in range(300))
    for _ in range(300):
        sign, whole, fraction, unit = measures.price(rng)
        assert whole.isdigit()
        assert sign or unit
        assert not fraction or re.fullmatch(r"\.\d\d?", fraction)


def test_contexts_are_about_as_long_as_asked() -> None:
    corpus, rng = Corpus.load(), np.random.default_rng(5)
    texts = [in_context(rng, corpus, 20) for _ in range(600)]
    assert all(text == text.strip() and text for text in texts)
    assert np.median([len(text) for text in texts]) <= 22
    assert sum("：" in text for text in texts) > 60


def test_contexts_have_the_marks_of_notes_and_lists() -> None:
    corpus, rng = Corpus.load(charset=Charset.load("zh_8105_en")), np.random.default_rng(6)
    texts = [in_context(rng, corpus, 20) for _ in range(4000)]
    for mark in "*†‡§":
        assert any(text[0] == mark for text in texts), mark
        assert any(re.search(rf"[a-z]{re.escape(mark)} \w", text) for text in texts), mark
    for mark in "¹²³":
        assert any(re.search(rf"\w{mark}", text) for text in texts), mark
    for bullet in "•■◦✓–":
        assert sum(text[0] == bullet for text in texts) > 8, bullet
    # Some, not so many that the recognizer expects them.
    assert 0.02 < sum(text.strip("*†‡§¹²³") != text for text in texts) / len(texts) < 0.15
