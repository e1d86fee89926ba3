"""Prefix beam search: against all alignments of tiny lines, against greedy decoding, with a language model."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from common.arrays import Floats
from recognition import ctc
from recognition.decoding import prefix_search
from recognition.decoding.beam import BeamSearch, Weights, codes, is_sure
from recognition.decoding.language_model import LanguageModel, fold
from train.language_model import build

EVERYTHING = Weights(width=10_000, classes=10, floor=1e-30, sure=1.1)


@pytest.fixture(params=["python", "cython"])
def searched_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found holds for the definition and for the compiled search."""
    if request.param == "cython":
        pytest.importorskip(
            "recognition.decoding.prefix_search_cython", reason="setup-cpu.sh compiles it"
        )
    maker = prefix_search.implementation(request.param)
    monkeypatch.setattr("recognition.decoding.beam.implementation", lambda name: maker)


with_both = pytest.mark.usefixtures("searched_by")


def random_log_probs(rng: np.random.Generator, steps: int, classes: int, peak: float) -> Floats:
    logits = peak * rng.standard_normal((steps, classes))
    return np.asarray(logits - np.logaddexp.reduce(logits, 1, keepdims=True), np.float32)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label)


def all_texts(log_probs: Floats) -> dict[tuple[int, ...], float]:
    """Every text and its probability, by adding up every alignment."""
    probabilities: dict[tuple[int, ...], float] = {}
    steps, classes = log_probs.shape
    for path in itertools.product(range(classes), repeat=steps):
        p = math.exp(sum(float(log_probs[t, c]) for t, c in enumerate(path)))
        text = collapsed(path)
        probabilities[text] = probabilities.get(text, 0.0) + p
    return probabilities


def best_path(log_probs: Floats, labels: tuple[int, ...]) -> float:
    """Log-probability of the best alignment of a text."""
    steps, classes = log_probs.shape
    return max(
        sum(float(log_probs[t, c]) for t, c in enumerate(path))
        for path in itertools.product(range(classes), repeat=steps)
        if collapsed(path) == labels
    )


@with_both
def test_search_finds_the_most_probable_text_of_all() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        log_probs = random_log_probs(rng, int(rng.integers(1, 6)), 4, 1.0)
        texts = all_texts(log_probs)
        found = tuple(run.label for run in BeamSearch("abc", None, EVERYTHING)(log_probs))
        assert texts[found] == pytest.approx(max(texts.values()), rel=1e-5), seed


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_likelihood_adds_up_every_alignment(steps: int) -> None:
    log_probs = random_log_probs(np.random.default_rng(steps), steps, 4, 1.0)
    for text, probability in all_texts(log_probs).items():
        assert ctc.log_likelihood(log_probs, text) == pytest.approx(math.log(probability), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_alignment_is_the_best_of_all(seed: int) -> None:
    log_probs = random_log_probs(np.random.default_rng(seed), 5, 3, 1.0)
    for text in all_texts(log_probs):
        path, scores = ctc.align(log_probs, text)
        assert collapsed(tuple(path.tolist())) == text
        assert float(scores.sum()) == pytest.approx(best_path(log_probs, text), abs=1e-4)
        np.testing.assert_allclose(scores, log_probs[np.arange(5), path], atol=1e-6)


def test_a_text_without_room_is_impossible() -> None:
    log_probs = random_log_probs(np.random.default_rng(1), 2, 3, 1.0)
    assert ctc.log_likelihood(log_probs, (1, 1)) == -math.inf
    assert ctc.log_likelihood(log_probs[:0], ()) == 0
    assert ctc.log_likelihood(log_probs[:0], (1,)) == -math.inf


def certain(*classes: int, sure: float = 0.98, count: int = 5) -> Floats:
    out = np.full((len(classes), count), (1 - sure) / (count - 1), np.float32)
    out[np.arange(len(classes)), classes] = sure
    return np.log(out)


@with_both
@pytest.mark.parametrize(
    "steps", [[], [0, 0], [1], [1, 1, 0, 1], [1, 2, 2, 0, 2, 0], [0, 3, 0, 3, 3, 4]]
)
def test_certain_lines_are_read_as_greedy_reads_them(steps: list[int]) -> None:
    log_probs = certain(*steps) if steps else np.zeros((0, 5), np.float32)
    expected = ctc.greedy(log_probs)
    assert BeamSearch("abcd", None)(log_probs) == expected
    assert BeamSearch("abcd", None, Weights(sure=1.1))(log_probs) == expected
    assert BeamSearch("abcd", None, Weights(sure=1.1, width=1))(log_probs) == expected


@with_both
def test_the_sum_of_alignments_decides_not_the_best_one() -> None:
    """Greedy reads nothing here, although some a is more probable (Graves 2006, figure 2)."""
    log_probs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]], np.float32))
    assert ctc.greedy(log_probs) == []
    runs = BeamSearch("a", None)(log_probs)
    assert [run.label for run in runs] == [1]
    assert 0 <= runs[0].start < runs[0].stop <= 2


@with_both
def test_shortcuts_of_certain_steps_change_no_text() -> None:
    """Peaky lines with a few unsure steps: as good a text as when every step is searched."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        peaks = rng.integers(0, 5, 40)
        log_probs = np.repeat(certain(*peaks, sure=0.9999), rng.integers(1, 3, 40), axis=0)
        for step in rng.integers(0, len(log_probs), 6):
            log_probs[step] = np.log(rng.dirichlet(np.ones(5)).astype(np.float32))
        options = Weights(width=50, classes=5, floor=1e-9)
        quick = BeamSearch("abcd", None, options)(log_probs)
        full = BeamSearch("abcd", None, replace(options, sure=1.1))(log_probs)
        # Where only the timing is open, up to a twentieth of the probability is not searched.
        scores = [ctc.log_likelihood(log_probs, [r.label for r in runs]) for runs in (quick, full)]
        assert scores[0] >= scores[1] - 0.1, seed


def test_step_is_sure_if_only_the_timing_is_open() -> None:
    between = np.log(np.array([0.5, 0.48, 0.01, 0.005, 0.005], np.float32))
    a, blank, b = certain(1), certain(0), certain(2)

    def sure(*rows: Floats) -> bool:
        log_probs = np.concatenate([row.reshape(-1, 5) for row in rows])
        return bool(is_sure(log_probs, log_probs.argmax(1), 0.95)[1])

    assert sure(a, between, blank)
    assert sure(blank, between, a)
    assert sure(a, between, b)
    assert not sure(blank, between, blank)  # is there an a?
    assert not sure(a, between, a)  # one or two?
    assert not sure(b, between, b)
    assert not sure(blank, between, b)


@with_both
@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_repeated_characters_stay_as_many(repeats: int) -> None:
    rows = [certain(1), certain(0, sure=0.9)] * repeats
    runs = BeamSearch("abcd", None, Weights(sure=0.99))(np.concatenate(rows))
    assert [run.label for run in runs] == [1] * repeats


# With a language model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    path = tmp_path_factory.mktemp("ngram") / "table.npz"
    words = [
        "room 101, tel 5550",
        "the cat sat on the mat",
        "that hat",
        "a cat and a bat",
        "他们在北京大学读书",
        "北京",
    ]
    path.write_bytes(build(words * 30, order=4, megabytes=0.05))
    return LanguageModel.load(path)


CHARACTERS = "abcdefghijklmnopqrstuvwxyz 北京大学 天0123456789".replace("学 ", "学")


def spell(text: str, doubts: dict[int, dict[str, float]], sure: float = 0.97) -> Floats:
    """A blank after each character; at the places of `doubts` the characters named share the step."""
    rows = []
    for i, char in enumerate(text):
        shares = doubts.get(i, {char: sure})
        row = np.full(len(CHARACTERS) + 1, 1e-6, np.float32)
        for named, share in shares.items():
            row[CHARACTERS.index(named) + 1] = share
        row[0] = max(1 - row[1:].sum(), 1e-6)
        blank = np.full_like(row, 1e-6)
        blank[0] = 0.999
        rows += [row, blank]
    return np.log(np.stack(rows))


def read(log_probs: Floats, model: LanguageModel | None, weights: Weights | None = None) -> str:
    runs = BeamSearch(CHARACTERS, model, weights)(log_probs)
    return "".join(CHARACTERS[run.label - 1] for run in runs)


@with_both
def test_language_model_uses_characters_before_and_after(model: LanguageModel) -> None:
    doubt = {5: {"q": 0.5, "a": 0.4}}
    assert read(spell("the cat sat", doubt), None) == "the cqt sat"
    assert read(spell("the cat sat", doubt), model) == "the cat sat"
    first = {0: {"天": 0.5, "北": 0.4}}
    assert read(spell("北京大学", first), None) == "天京大学"
    assert read(spell("北京大学", first), model) == "北京大学"


@with_both
def test_language_model_does_not_change_certain_characters(model: LanguageModel) -> None:
    assert read(spell("the cqt xat", {}), model) == "the cqt xat"
    doubt = {5: {"q": 0.93, "a": 0.002}}
    assert read(spell("the cat", doubt), model) == "the cqt"
    # A rare character is not left out because the language model would rather have none.
    unheard = {5: {"天": 0.8, "学": 0.1}}
    assert read(spell("the cat", unheard), model) == "the c天t"


@with_both
def test_language_model_does_not_change_digits(model: LanguageModel) -> None:
    for digit, other in itertools.permutations("38", 2):
        doubt = {1: {digit: 0.5, other: 0.4}}
        assert read(spell("1x2", doubt), model) == f"1{digit}2"


@with_both
def test_language_weight_zero_equals_no_model(model: LanguageModel) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        log_probs = random_log_probs(rng, 12, len(CHARACTERS) + 1, 2.0)
        assert read(log_probs, model, Weights(language=0)) == read(log_probs, None)


@with_both
@pytest.mark.parametrize("seed", range(3))
def test_doubtful_lines_get_the_best_text_of_all(seed: int, model: LanguageModel) -> None:
    rng = np.random.default_rng(seed)
    log_probs = random_log_probs(rng, 4, 4, 1.0)
    weights = replace(EVERYTHING, language=0.7, length=0.4)
    found = tuple(run.label for run in BeamSearch("abc", model, weights)(log_probs))

    def score(labels: tuple[int, ...]) -> float:
        text = "".join("abc"[label - 1] for label in labels)
        language = float(model.score(text).sum())
        return ctc.log_likelihood(log_probs, labels) + 0.7 * language + 0.4 * len(labels)

    assert score(found) == pytest.approx(max(map(score, all_texts(log_probs))), abs=1e-3)


@with_both
def test_long_lines_of_doubt_neither_overflow_nor_stall() -> None:
    log_probs = random_log_probs(np.random.default_rng(4), 512, 40, 0.3)
    runs = BeamSearch([chr(97 + i) for i in range(39)], None)(log_probs)
    assert all(0 <= run.start < run.stop <= 512 and 0 < run.probability <= 1 for run in runs)


@pytest.mark.parametrize("seed", range(20))
def test_compiled_search_finds_the_same_text(seed: int, model: LanguageModel) -> None:
    """On lines of doubts and certainties, long silences and repeats, ties, and weights of all kinds."""
    pytest.importorskip(
        "recognition.decoding.prefix_search_cython", reason="setup-cpu.sh compiles it"
    )
    rng = np.random.default_rng(seed)
    weights = Weights(
        language=float(rng.choice([0, 0.2, 0.9])),
        length=float(rng.choice([0, 0.6])),
        rarest=float(rng.choice([-8, -3])),
        width=int(rng.integers(1, 12)),
        classes=int(rng.integers(1, 7)),
    )
    letters = fold(CHARACTERS)
    tables = model if weights.language else None
    count = int(rng.integers(1, 80))
    sure = rng.random(count) < rng.random()
    counts = np.where(sure, 1, rng.integers(1, weights.classes + 1, count))
    # Few classes: repeats are frequent. Few values: so are ties.
    labels = rng.integers(0, rng.choice([3, len(CHARACTERS)]), (count, weights.classes))
    for row in labels:
        row[:] = rng.permutation(len(CHARACTERS) + 1)[: len(row)] if rng.random() < 0.5 else row
    chances = np.where(sure[:, None], 1.0, rng.integers(0, 5, labels.shape) / 4)
    steps = prefix_search.Steps(labels, chances, counts, sure)
    found = [
        prefix_search.implementation(name)(letters, tables, weights)(steps)
        for name in ("python", "cython")
    ]
    assert found[0] == found[1]


def test_unknown_searches_are_named() -> None:
    with pytest.raises(ValueError, match="'fast', expected auto, python, cython"):
        prefix_search.implementation("fast")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain words, only.", []),
        ("tel 03-5542 now", ["03-5542"]),
        ("订单号A1b编号", ["A1b"]),
        ("see MathType and McCulloch", ["MathType", "McCulloch"]),
        ("mail me@example.org 今天", ["me@example.org"]),
        ("and/or snake_case", ["and/or", "snake_case"]),
        ("中文没有", []),
        ("", []),
    ],
)
def test_language_model_does_not_change_codes(text: str, found: list[str]) -> None:
    assert [text[first:stop] for first, stop in codes(list(text))] == found
