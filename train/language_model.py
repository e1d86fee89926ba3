"""Count the characters of any text and write the table that `recognition.decoding.language_model` reads.

    python -m train.language_model TEXT [TEXT ...] -o weights/ngram-zh_en.npz

TEXT is a file or a folder of UTF-8 text files (*.txt), one sentence a line. Probabilities are
interpolated with absolute discounts (Ney, Essen, Kneser 1994) on plain counts, which stand pruning better
than those of Kneser and Ney do (Chelba et al. 2010). The table is filled by weighted difference
(Seymore, Rosenfeld 1996): n-grams whose loss would cost the text most come first, until it is full.
"""

from __future__ import annotations

import argparse
import io
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.wording import counted
from ocr.formats import save
from recognition.charset import normalize
from recognition.decoding.language_model import (
    FORMAT,
    NATS,
    PLACES,
    Hashes,
    LanguageModel,
    extended,
    fold,
    places,
)

_LOG = logging.getLogger(__name__)

ORDER = 5
MEGABYTES = 6.0
_BYTES = 5  # of one n-gram in the table
_FULL = 0.93  # share of the places that two buckets of four fill with few left over
_ROUNDS = 16


class Grams(NamedTuple):
    """All n-grams of one length n.

    Attributes:
        keys: (M,) their hashes, ascending.
        counts: (M,) how often each stands in the text.
        contexts: (M,) hashes of their first n - 1 characters; 0 for n = 1.
        tails: (M,) hashes of their last n - 1 characters; 0 for n = 1.
    """

    keys: Hashes
    counts: NDArray[np.int64]
    contexts: Hashes
    tails: Hashes


class Model(NamedTuple):
    """N-grams with their probabilities and what keeping each gains the text, in nats."""

    grams: Grams
    probabilities: NDArray[np.float64]
    shorter: NDArray[np.float64]
    gain: NDArray[np.float64]


def read_lines(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the lines of text files, and of the *.txt files of folders, look-alikes folded.

    Raises:
        FileNotFoundError: a path is not there, or a folder without text.
    """
    for path in paths:
        files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
        if not files:
            raise FileNotFoundError(f"{path} holds no *.txt; give files or folders of UTF-8 text")
        for file in files:
            with file.open(encoding="utf-8", errors="ignore") as stream:
                for line in stream:
                    if text := " ".join(normalize(line).split()):
                        yield text


def hash_text(lines: Iterable[str], order: int = ORDER) -> list[Hashes]:
    """Return for n = 1 to `order` the hashes of the n characters up to each position of the text.

    All have the text's length, line breaks included; 0 where the line has fewer characters.
    """
    text = "\n".join(lines)
    letters = sorted(set(text))
    codes = fold(letters).codes
    table = np.zeros(max(map(ord, letters), default=0) + 1, np.uint64)
    table[[ord(letter) for letter in letters]] = codes
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    follow = table[points]
    inside = points != ord("\n")
    result: list[Hashes] = []
    before = np.zeros((len(follow), 0), np.uint64)
    for _ in range(order):
        hashes = extended(before, follow)[:, -1] * inside
        result.append(hashes)
        before = np.concatenate([np.zeros(min(1, len(hashes)), np.uint64), hashes[:-1]])[:, None]
    return result


def count(hashes: Sequence[Hashes]) -> list[Grams]:
    """Count the n-grams of each length."""
    result = []
    for n, positions in enumerate(hashes, 1):
        keys, first, counts = np.unique(positions, return_index=True, return_counts=True)
        real = keys != 0
        keys, first, counts = keys[real], first[real], counts[real]
        if n == 1:
            contexts = tails = np.zeros(len(keys), np.uint64)
        else:
            contexts, tails = hashes[n - 2][first - 1], hashes[n - 2][first]
        result.append(Grams(keys, counts, contexts, tails))
        _LOG.info("%d-grams: %d", n, len(keys))
    return result


def estimate(levels: Sequence[Grams]) -> list[Model]:
    """Give n-grams probabilities, from the shortest to the longest."""
    models: list[Model] = []
    for n, grams in enumerate(levels, 1):
        ones, twos = (int((grams.counts == k).sum()) for k in (1, 2))
        discount = ones / (ones + 2 * twos) if ones and twos else 0.5
        group = np.unique(grams.contexts, return_inverse=True)[1]
        total = np.bincount(group, grams.counts)[group]
        kinds = np.bincount(group)[group]
        if n == 1:
            shorter = np.full(len(grams.keys), 1 / max(len(grams.keys), 1))
        else:
            below = models[-1]
            shorter = below.probabilities[np.searchsorted(below.grams.keys, grams.tails)]
        left = discount * kinds / total  # what the discounts leave for shorter n-grams
        backed_off = left * shorter
        probabilities = (grams.counts - discount) / total + backed_off
        gain = grams.counts * np.log(probabilities / backed_off)
        models.append(Model(grams, probabilities, shorter, np.maximum(gain, 1e-9)))
    return models


def prune(
    models: Sequence[Model], size: int
) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.float64]]]:
    """Choose the n-grams that gain most, `size` in all; a context gains as much as what follows it.

    Returns:
        For each length, which n-grams stay, and what each gains.
    """
    gains = [model.gain.copy() for model in models]
    for n in range(len(models) - 1, 0, -1):
        where = np.searchsorted(models[n - 1].grams.keys, models[n].grams.contexts)
        np.maximum.at(gains[n - 1], where, gains[n])
    every = np.concatenate(gains)
    least = np.partition(every, len(every) - size)[len(every) - size] if size < len(every) else 0.0
    return [gain >= least for gain in gains], gains


def back_offs(
    models: Sequence[Model], kept: Sequence[NDArray[np.bool_]]
) -> list[NDArray[np.float64]]:
    """Return for each n-gram the logarithm of the weight of shorter n-grams after it.

    It is what the longer n-grams that stay leave over, against what the shorter would say of their
    characters; 0 where none stays.
    """
    result = []
    for n, model in enumerate(models):
        size = len(model.grams.keys)
        if n + 1 == len(models):
            result.append(np.zeros(size))
            continue
        longer, stays = models[n + 1], kept[n + 1]
        where = np.searchsorted(model.grams.keys, longer.grams.contexts[stays])
        spent = np.bincount(where, longer.probabilities[stays], size)
        shorter = np.bincount(where, longer.shorter[stays], size)
        rest = np.maximum(1 - spent, 1e-7) / np.maximum(1 - shorter, 1e-7)
        result.append(np.where(spent > 0, np.log(np.minimum(rest, 1.0)), 0.0))
    return result


def fill(
    keys: Hashes,
    gain: NDArray[np.float64],
    scores: NDArray[np.float64],
    weights: NDArray[np.float64],
    buckets: int,
) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Put n-grams into buckets, those that gain most first; some of the least may find no place.

    Args:
        keys: (M,) hashes, none twice.
        gain: (M,).
        scores: (M,) log-probabilities.
        weights: (M,) logarithms of back-off weights.
        buckets: of the table.

    Returns:
        The arrays (B, 4) of `LanguageModel`.
    """
    both, prints = places(keys, np.array([buckets], np.uint64))
    score, weight = (
        np.clip(np.rint(-v / NATS), 0, 255).astype(np.uint32) for v in (scores, weights)
    )
    entry = prints << np.uint32(8) | score
    entries = np.zeros((buckets, PLACES), np.uint32)
    back_offs = np.zeros((buckets, PLACES), np.uint8)
    used = np.zeros(buckets, np.int64)
    waiting = np.argsort(-gain, kind="stable")
    for turn in range(_ROUNDS):
        # One n-gram for each bucket a turn, first into the emptier of its two: so they fill evenly.
        pair = both[waiting]
        emptier = (used[pair[:, 1]] < used[pair[:, 0]]).astype(np.int64)
        bucket = pair[np.arange(len(pair)), emptier if turn < _ROUNDS - 2 else turn % 2]
        _, first = np.unique(bucket, return_index=True)
        first = first[used[bucket[first]] < PLACES]
        chosen, place = bucket[first], used[bucket[first]]
        entries[chosen, place] = entry[waiting[first]]
        back_offs[chosen, place] = weight[waiting[first]]
        used[chosen] += 1
        waiting = np.delete(waiting, first)
        if not len(waiting):
            break
    _LOG.info("%d of %d n-grams found no place", len(waiting), len(keys))
    return entries, back_offs


def build(lines: Iterable[str], *, order: int = ORDER, megabytes: float = MEGABYTES) -> bytes:
    """Return the file of a table for these lines of text, at most so large.

    Raises:
        ValueError: the text is empty, or the order or size is too small.
    """
    buckets = int(megabytes * 2**20 / (_BYTES * PLACES))
    if order < 2 or buckets < 1:
        raise ValueError(f"order {order} and {megabytes} MB: give 2 or more, and room for n-grams")
    levels = count(hash_text(lines, order))
    if not len(levels[0].keys):
        raise ValueError("the text has no characters; give files with one sentence a line")
    models = estimate(levels)
    kept, gains = prune(models, int(_FULL * buckets * PLACES))
    weights = back_offs(models, kept)

    def chosen(column: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([values[stays] for values, stays in zip(column, kept, strict=True)])

    for n, stays in enumerate(kept, 1):
        _LOG.info("%d-grams kept: %d", n, stays.sum())
    entries, offs = fill(
        chosen([model.grams.keys for model in models]),
        chosen(gains),
        chosen([np.log(model.probabilities) for model in models]),
        chosen(weights),
        buckets,
    )
    stream = io.BytesIO()
    np.savez(stream, header=np.array([FORMAT, order]), entries=entries, back_offs=offs)
    return stream.getvalue()


def perplexity(model: LanguageModel, lines: Sequence[str]) -> float:
    """Return the perplexity for each character of lines; infinite texts have none, so 1 for no text."""
    scores = [model.score(line) for line in lines]
    total = sum(len(score) for score in scores)
    return float(np.exp(-sum(float(score.sum()) for score in scores) / total)) if total else 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="train.language_model", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("text", nargs="+", type=Path, help="text files, or folders of *.txt")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.npz")
    parser.add_argument("--order", type=int, default=ORDER, help="(default: %(default)s)")
    parser.add_argument("--megabytes", type=float, default=MEGABYTES, help="(default: %(default)s)")
    parser.add_argument(
        "--held-out",
        type=int,
        default=0,
        metavar="N",
        help="measure on every Nth line, not counted",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    start = time.perf_counter()
    try:
        lines = list(dict.fromkeys(read_lines(options.text)))
        every = options.held_out
        judged = lines[::every] if every else []
        data = build(
            (line for i, line in enumerate(lines) if not every or i % every),
            order=options.order,
            megabytes=options.megabytes,
        )
        save(options.out, data)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from error
    print(f"{options.out}: {len(data) / 2**20:.1f} MiB, {time.perf_counter() - start:.0f} s")
    if judged:
        value = perplexity(LanguageModel.load(options.out), judged)
        print(
            f"perplexity of {counted(len(judged), 'line')} held out: {value:.1f} for each character"
        )


if __name__ == "__main__":
    main()
