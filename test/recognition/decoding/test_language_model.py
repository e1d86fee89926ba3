"""The table of n-grams: what is counted, what is kept, what is looked up, and the file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from recognition.decoding.language_model import RAREST, LanguageModel, extended, fold, places
from train import language_model
from train.language_model import build, count, fill, hash_text, perplexity, read_lines

TEXT = [
    "the cat sat on the mat",
    "他们在北京大学读书",
    "北京的天气",
    "room 101",
    "the thin man",
] * 3


@pytest.fixture
def table(tmp_path: Path) -> LanguageModel:
    return make(tmp_path, TEXT)


def make(folder: Path, lines: list[str], **options: float) -> LanguageModel:
    path = folder / "table.npz"
    path.write_bytes(build(lines, **{"order": 4, "megabytes": 0.05, **options}))
    return LanguageModel.load(path)


def following(model: LanguageModel, context: str, characters: str) -> np.ndarray:
    """Probabilities of each character after a context."""
    return np.exp([model.score(context + c)[-1] for c in characters])


@pytest.mark.parametrize("text", ["", "a", "ab", "北京 a1"])
def test_scores_are_one_for_each_character(table: LanguageModel, text: str) -> None:
    scores = table.score(text)
    assert scores.shape == (len(text),)
    assert (scores <= 0.01).all()


def test_counts_are_those_of_the_text() -> None:
    lines = ["abcab", "ab", "c", ""]
    levels = count(hash_text(lines, 3))
    for n, grams in enumerate(levels, 1):
        expected = Counter(line[i : i + n] for line in lines for i in range(len(line) - n + 1))
        assert sorted(grams.counts.tolist()) == sorted(expected.values())
        if n > 1:  # contexts and tails are n-grams one shorter
            shorter = set(levels[n - 2].keys.tolist())
            assert set(grams.contexts.tolist()) | set(grams.tails.tolist()) <= shorter


def test_hashes_grow_character_by_character_to_those_of_the_text() -> None:
    text = "北京ab1"
    whole = hash_text([text], 4)
    contexts = np.zeros((1, 3), np.uint64)
    for i, character in enumerate(text):
        hashes = extended(contexts, fold(character).codes)
        for n in range(4):
            assert hashes[0, n] == whole[n][i]
            assert (hashes[0, n] == 0) == (n > i)
        contexts = hashes[:, :3]


@pytest.mark.parametrize("context", ["", "t", "th", "the ", "北", "在北京", "room 1"])
def test_probabilities_of_what_may_follow_add_up_to_one(table: LanguageModel, context: str) -> None:
    characters = sorted({c for line in TEXT for c in line})
    # Bytes of a sixteenth of a nat are off by 3 % at most, one way as often as the other.
    assert following(table, context, "".join(characters) + "23456789").sum() == pytest.approx(
        1, abs=0.06
    )


def test_frequent_n_grams_are_likely(table: LanguageModel) -> None:
    assert following(table, "th", "e")[0] > 3 * following(table, "th", "i")[0]
    assert following(table, "北", "京")[0] > 0.8
    # 'q' was never there; 'e' was, though never after these.
    assert following(table, "大学", "q")[0] < following(table, "大学", "e")[0]


def test_digits_are_one_class_and_case_is_ignored(table: LanguageModel) -> None:
    np.testing.assert_allclose(following(table, "room 1", "0123456789").std(), 0, atol=1e-6)
    np.testing.assert_allclose(table.score("THE Cat"), table.score("the cat"))
    assert table.score("İ").shape == (1,)  # lower case of two code points


def test_a_likelihood_is_bounded_by_what_a_rare_character_costs(table: LanguageModel) -> None:
    assert table.likelihood("") == 0
    assert table.likelihood("\u4e00\u9fff") >= 2 * RAREST
    text = "北京"
    assert table.likelihood(text) == pytest.approx(
        float(np.maximum(table.score(text), RAREST).sum())
    )
    assert table.likelihood("北京") > table.likelihood("京北")


def test_pruning_keeps_what_matters_and_stays_normalized(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    lines = [
        "".join(rng.choice(list("abcdefgh"), 60, p=rng.dirichlet(np.ones(8)))) for _ in range(80)
    ]
    lines += ["hgfedcba" * 6] * 40
    full, small = make(tmp_path, lines), make(tmp_path, lines, megabytes=0.004)
    assert perplexity(full, lines) < perplexity(small, lines) < 8.5
    for context in ("", "h", "hgf", "abc"):
        assert following(small, context, "abcdefgh").sum() == pytest.approx(1, abs=0.12)
    assert following(small, "hgf", "e")[0] > 0.5


def test_the_file_is_no_larger_than_asked_for(tmp_path: Path) -> None:
    for megabytes in (0.01, 0.1):
        assert len(build(TEXT, megabytes=megabytes)) <= megabytes * 2**20 + 2000


def test_table_finds_what_was_put_in_and_hardly_anything_else() -> None:
    rng = np.random.default_rng(6)
    keys = np.unique(rng.integers(1, 2**63, 3000).astype(np.uint64))
    gains = rng.random(len(keys))
    buckets = int(len(keys) / 4 / 0.9)
    scores = -rng.random(len(keys)) * 15
    model = LanguageModel(2, *fill(keys, gains, scores, scores / 2, buckets))
    found = model.look_up(keys.reshape(-1, 1))
    known = found.known[:, 0]
    assert known.mean() > 0.93
    assert known[gains > 0.85].all()  # those that gain most have their place
    np.testing.assert_allclose(found.scores[known, 0], scores[known], atol=1 / 32)
    np.testing.assert_allclose(found.back_offs[known, 0], scores[known] / 2, atol=1 / 32)
    others = rng.integers(1, 2**63, (100_000, 1)).astype(np.uint64)
    assert model.look_up(others).known.sum() <= 3
    assert not found.back_offs[~known].any()


def test_fingerprints_are_never_those_of_empty_places() -> None:
    hashes = np.array([0, 1, 2**40 - 1, 2**64 - 1], np.uint64)
    both, prints = places(hashes, np.array([7], np.uint64))
    assert both.shape == (4, 2)
    assert ((both >= 0) & (both < 7)).all()
    assert prints.min() >= 1
    assert prints.max() < 2**24


def test_texts_are_read_from_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("Ｂ　two\n\n", encoding="utf-8")
    (tmp_path / "a.txt").write_bytes("一\n".encode() + b"\xff\xfe bad\n")
    assert list(read_lines([tmp_path])) == ["一", "bad", "B two"]
    assert list(read_lines([tmp_path / "b.txt"])) == ["B two"]
    (tmp_path / "none").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no \*\.txt"):
        list(read_lines([tmp_path / "none"]))


def test_command_line_counts_a_text_into_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"{line} {i}" for i, line in enumerate(TEXT)), encoding="utf-8")
    out = tmp_path / "out.npz"
    arguments = [str(text), "-o", str(out), "--order", "3", "--megabytes", "0.05"]
    language_model.main([*arguments, "--held-out", "5"])
    assert "perplexity of 3 lines" in capsys.readouterr().out
    assert LanguageModel.load(out).order == 3
    before = out.read_bytes()
    language_model.main([*arguments, "--held-out", "5"])
    assert out.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
    text.write_text("\n \n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no characters"):
        language_model.main(arguments)
    with pytest.raises(SystemExit, match="order 1"):
        language_model.main([str(text), "-o", str(out), "--order", "1"])
    assert out.read_bytes() == before


def test_files_that_are_no_tables_are_refused(tmp_path: Path, table: LanguageModel) -> None:
    path = tmp_path / "x.npz"
    with pytest.raises(FileNotFoundError):
        LanguageModel.load(path)
    for content in (b"", b"PK\x03\x04 cut short", b"\x93NUMPY\x01\x00"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"x\.npz: no table"):
            LanguageModel.load(path)
    np.savez(path, header=np.array([1, 4]))
    with pytest.raises(ValueError, match="no table"):
        LanguageModel.load(path)
    entries, back_offs = np.zeros((2, 4), np.uint32), np.zeros((2, 4), np.uint8)
    np.savez(path, header=np.array([99, 4]), entries=entries, back_offs=back_offs)
    with pytest.raises(ValueError, match="version 99"):
        LanguageModel.load(path)
    for wrong in (entries[:, :3], entries[:0], entries.astype(np.int64)):
        with pytest.raises(ValueError, match="build the table again"):
            LanguageModel(4, wrong, back_offs[: len(wrong), : wrong.shape[1]])


def test_pickled_tables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    np.savez(path, header=np.array([{"a": 1}], object), entries=np.zeros(1))
    with pytest.raises(ValueError, match="no table"):
        LanguageModel.load(path)
