"""Expected words in place of those read nearly so, and a recognizer's options around them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.arrays import Floats
from common.edit_distance import edit_distance
from crnn import Recognizer
from recognition import ctc
from recognition.charset import Charset
from recognition.decoding.language_model import LanguageModel
from recognition.decoding.lexicon import Lexicon, word_spans
from train.language_model import build

CHARSET = Charset("abcdefghijklmnopqrstuvwxyz 0123456789,.北京大学生O")


def line(text: str, doubts: dict[int, dict[str, float]] | None = None) -> Floats:
    """Two steps for each character, the second blank; characters of `doubts` share theirs."""
    rows = []
    for i, char in enumerate(text):
        row = np.full(CHARSET.classes, 1e-7, np.float32)
        for named, share in (doubts or {}).get(i, {char: 0.97}).items():
            row[CHARSET.encode(named)[0]] = share
        row[0] = max(1 - row[1:].sum(), 1e-7)
        blank = np.full_like(row, 1e-7)
        blank[0] = 1 - 1e-5
        rows += [row, blank]
    return np.log(np.stack(rows)) if rows else np.zeros((0, CHARSET.classes), np.float32)


def corrected(words: list[str], log_probs: Floats) -> str:
    runs = Lexicon(words).correct(log_probs, ctc.greedy(log_probs), CHARSET)
    assert all(0 <= r.start < r.stop <= len(log_probs) and 0 <= r.probability <= 1 for r in runs)
    assert [r.start for r in runs] == sorted(r.start for r in runs)
    return CHARSET.decode([run.label for run in runs])


def test_no_words_and_no_text_change_nothing() -> None:
    assert corrected([], line("hello")) == "hello"
    assert corrected(["", "  "], line("hello")) == "hello"
    assert corrected(["hello"], line("")) == ""
    assert len(Lexicon(["a", "a ", "", "ｂ"])) == 2


def test_a_word_read_nearly_so_becomes_the_expected_one() -> None:
    doubt = {1: {"c": 0.6, "e": 0.3}}
    assert corrected(["hello"], line("hello", doubt)) == "hello"
    assert corrected(["hello"], line("say hello, world.", {5: doubt[1]})) == "say hello, world."
    assert corrected(["北京大学"], line("北京大学", {3: {"生": 0.6, "学": 0.3}})) == "北京大学"
    assert (
        corrected(["hello world"], line("hello world", {8: {"c": 0.6, "r": 0.3}})) == "hello world"
    )


def test_words_unlike_the_picture_are_not_corrected() -> None:
    assert corrected(["hello"], line("hcllo")) == "hcllo"
    assert corrected(["hello"], line("cello")) == "cello"
    assert corrected(["a"], line("o", {0: {"o": 0.5, "a": 0.4}})) == "o"


def test_words_of_the_lexicon_are_not_replaced_by_near_ones() -> None:
    doubt = {0: {"c": 0.5, "h": 0.45}}
    assert corrected(["cello", "hello"], line("cello", doubt)) == "cello"


def test_the_most_probable_of_several_near_words_is_taken() -> None:
    doubt = {0: {"x": 0.4, "b": 0.2, "h": 0.3}}
    assert corrected(["bello", "hello"], line("xello", doubt)) == "hello"


def test_missing_and_doubled_characters_are_corrected() -> None:
    assert corrected(["hello"], line("helo", {3: {"l": 0.1, "o": 0.8}})) in {"helo", "hello"}
    lost = line("hello", {4: {"o": 0.3}})  # the blank is more probable there
    assert CHARSET.decode([r.label for r in ctc.greedy(lost)]) == "hell"
    assert corrected(["hello"], lost) == "hello"


def test_words_outside_the_charset_are_never_read() -> None:
    assert corrected(["hellö"], line("hello", {4: {"o": 0.5}})) == "hello"


@pytest.mark.parametrize("seed", range(10))
def test_near_words_are_those_of_a_plain_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abc大"), rng.integers(1, 12))) for _ in range(300)]
    lexicon = Lexicon(words)
    for word in words[:10]:
        limit = (len(word) + 2) // 4
        expected = {known for known in words if limit and edit_distance(word, known) <= limit}
        assert set(lexicon.near(word)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" ,. ", []),
        ("a", ["a"]),
        ("(it's) 北京, 3.5", ["it's", "北京", "3.5"]),
    ],
)
def test_word_spans_find_the_words_of_a_text(text: str, words: list[str]) -> None:
    assert [text[a:b] for a, b in word_spans(text)] == words


def test_lexicon_files_are_read_as_utf8_lines(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeffhello\r\n\n北京  大学\n".encode())
    assert Lexicon.load(path).words == ("hello", "北京 大学")
    path.write_bytes("北京".encode("gb18030"))
    with pytest.raises(ValueError, match="UTF-8"):
        Lexicon.load(path)
    with pytest.raises(FileNotFoundError):
        Lexicon.load(tmp_path / "none")


# The recognizer's options


def reader(log_probs: Floats, **options: object) -> str:
    """What a recognizer says whose network gives these log-probabilities for any picture."""
    recognizer = Recognizer(
        lambda lines: (log_probs[None],),
        charset="".join(CHARSET.characters),
        **options,  # type: ignore[arg-type]
    )
    (reading,) = recognizer([np.zeros((32, 4 * len(log_probs), 3), np.uint8)])
    assert len(reading.text) == len(reading.char_scores) == len(reading.char_spans)
    return reading.text


def test_only_allowed_characters_are_read() -> None:
    doubt = {1: {"O": 0.9, "0": 0.05}}
    assert reader(line("101", doubt)) == "1O1"
    for decode in ("greedy", "beam"):
        assert reader(line("101", doubt), allowed="0123456789", decode=decode) == "101"
        assert reader(line("hello"), allowed="0123456789", decode=decode) == ""
        assert reader(line("a1b"), allowed="", decode=decode) == ""
    assert reader(line("101", doubt), allowed="０１") == "101"


def test_lexicon_works_with_both_ways_of_decoding() -> None:
    doubt = {1: {"c": 0.6, "e": 0.3}}
    for decode in ("greedy", "beam"):
        assert reader(line("hello", doubt), lexicon=Lexicon(["hello"]), decode=decode) == "hello"
        assert reader(line("hello", doubt), lexicon=Lexicon([]), decode=decode) == "hcllo"


def test_language_model_chooses_between_equally_likely_words(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    path.write_bytes(build(["hello, he said", "the help"] * 9, order=4, megabytes=0.05))
    doubt = {1: {"c": 0.5, "e": 0.4}}
    assert reader(line("hello", doubt), decode="beam") == "hcllo"
    model = LanguageModel.load(path)
    assert reader(line("hello", doubt), decode="beam", language_model=model) == "hello"
    assert (
        reader(line("hello", doubt), language_model=model) == "hello"
    )  # a model is there to be asked
    assert reader(line("hello", doubt), language_model=model, decode="greedy") == "hcllo"
    # Words with digits are codes, which it does not know.
    assert reader(line("hello7", doubt), language_model=model) == "hcllo7"


def test_impossible_decoding_options_are_refused() -> None:
    for options, what in (
        ({"decode": "best"}, "'best'"),
        ({"allowed": "ab鬱"}, "鬱"),
        ({"decoder": "attention", "decode": "beam"}, "attention"),
        ({"decoder": "attention", "allowed": "a"}, "attention"),
    ):
        with pytest.raises(ValueError, match=what):
            reader(line("a"), **options)
