"""Score a character after those before it: a table of character n-grams, looked up by hash.

The table keeps no characters. The hash of an n-gram names two buckets of four places; a place that
holds the 24 bits of its fingerprint is taken for it (a false match once in two million lookups), and
gives one byte of log-probability and one of the weight by which shorter n-grams count where it is a
context (back-off, Katz 1987). Digits are one character to it and letters have no case: which digit
stands on a receipt is for the picture alone to say.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats

Hashes = NDArray[np.uint64]

FORMAT = 1
"""Version of the file; it changes when the arrays or the hash change their meaning."""
PLACES = 4
"""Places of a bucket."""
NATS = 1 / 16
"""Step of the bytes: 0 to -15.9 in natural logarithms."""
RAREST = -8.0
"""What a character costs at most where texts are compared: else leaving out a rare one would be cheaper."""
UNKNOWN = -14.0
"""Log-probability of a character that the text never had."""
_DIGIT = -float(np.log(10))
_START = np.array([0x243F6A8885A308D3], np.uint64)  # digits of pi: any value but 0
_MULTIPLY = np.array([0x9E3779B97F4A7C15], np.uint64)  # 2^64 / golden ratio (Knuth 6.4)
_SECOND = np.array([0xC2B2AE3D27D4EB4F], np.uint64)  # a prime of xxHash


class Letters(NamedTuple):
    """Characters as the table knows them.

    Attributes:
        codes: (B,) what enters the hashes.
        costs: (B,) what being one digit of ten costs, 0 or less.
    """

    codes: Hashes
    costs: Floats

    def pick(self, indices: Sequence[int]) -> Letters:
        """Return some of them."""
        return Letters(self.codes[indices], self.costs[indices])


class FoundNgrams(NamedTuple):
    """What the table has of n-grams.

    Attributes:
        known: (B, order).
        scores: (B, order) log-probabilities.
        back_offs: (B, order) logarithms of the weights of shorter n-grams after them; 0 where unknown.
    """

    known: NDArray[np.bool_]
    scores: Floats
    back_offs: Floats


class LanguageModel:
    """Scores characters after prefixes. Threads may share one; nothing in it changes.

    Args:
        order: characters of the longest n-grams.
        entries: (B, 4) uint32: a fingerprint in the upper 24 bits, 0 where a place is empty; in the
            lower 8, minus the log-probability in steps of `NATS`.
        back_offs: (B, 4) uint8, minus the logarithm of the back-off weight likewise.

    Raises:
        ValueError: the arrays do not fit one another.
    """

    def __init__(
        self,
        order: int,
        entries: NDArray[np.uint32],
        back_offs: NDArray[np.uint8],
    ) -> None:
        kinds = (entries.dtype.name, back_offs.dtype.name)
        if kinds != ("uint32", "uint8") or entries.shape != back_offs.shape or order < 2:
            raise ValueError(
                f"n-grams of order {order} in arrays {entries.dtype} {entries.shape} and "
                f"{back_offs.dtype} {back_offs.shape}, expected uint32 and uint8 of one shape and an "
                "order from 2; build the table again with python -m train.language_model"
            )
        if entries.ndim != 2 or entries.shape[1] != PLACES or not len(entries):
            raise ValueError(
                f"n-gram arrays are {entries.shape}, expected (buckets, {PLACES}); "
                "build the table again with python -m train.language_model"
            )
        self.order = order
        self._entries = entries
        self._back_offs = back_offs.reshape(-1)
        self._buckets = np.array([len(entries)], np.uint64)

    @classmethod
    def load(cls, path: Path) -> LanguageModel:
        """Read a table that `train.language_model` wrote.

        Raises:
            ValueError: the file is no such table, or of another version.
            OSError: it cannot be read.
        """
        return cls.from_bytes(path.read_bytes(), name=str(path))

    @classmethod
    def from_bytes(cls, content: bytes, *, name: str = "<bytes>") -> LanguageModel:
        """Take the content of a table's file; `name` is what errors call it.

        Raises:
            ValueError: it is no such table, or of another version.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                version, order = (int(value) for value in arrays["header"])
                entries, back_offs = arrays["entries"], arrays["back_offs"]
        except (ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
            raise ValueError(
                f"{name}: no table of n-grams ({error}); build one with python -m train.language_model"
            ) from error
        if version != FORMAT:
            raise ValueError(
                f"{name}: version {version}, expected {FORMAT}; build it again with "
                "python -m train.language_model"
            )
        return cls(order, entries, back_offs)

    def tables(self) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """Entries and back-offs, (4 B,) each, as they lie in memory."""
        return self._entries.reshape(-1), self._back_offs

    def look_up(self, hashes: Hashes) -> FoundNgrams:
        """Find n-grams.

        Args:
            hashes: (B, order) of the n-grams of length 1, 2, … that end at one place; see `extended`.
        """
        both, prints = places(hashes.reshape(-1), self._buckets)
        entries = self._entries[both].reshape(-1, 2 * PLACES)
        rows = np.arange(len(entries))
        place = (entries >> np.uint32(8) == prints[:, None]).argmax(1)
        entry = entries[rows, place]
        known = entry >> np.uint32(8) == prints
        back_offs = self._back_offs[both[rows, place // PLACES] * PLACES + place % PLACES]
        step = np.float32(-NATS)
        return FoundNgrams(
            known.reshape(hashes.shape),
            ((entry & np.uint32(255)) * step).reshape(hashes.shape),
            (back_offs * known * step).reshape(hashes.shape),
        )

    def weigh(self, found: FoundNgrams, before: Floats, costs: Floats) -> Floats:
        """Return the natural log-probabilities (B,) of characters after their prefixes.

        Args:
            found: of the n-grams that end at the characters.
            before: (B, order - 1) back-offs found for the prefixes without them, 0 for those unknown.
            costs: (B,) of `fold`.
        """
        # The longest n-gram that is known counts; the contexts longer than its own weigh it.
        known = found.known
        rows = np.arange(len(known))
        longest = self.order - 1 - known[:, ::-1].argmax(1)
        score = np.where(known[rows, longest], found.scores[rows, longest], np.float32(UNKNOWN))
        longest = np.where(known[rows, longest], longest, 0)
        longer = np.arange(self.order - 1) >= longest[:, None]
        return np.asarray(score + (before * longer).sum(1) + costs, np.float32)

    def score(self, text: str) -> Floats:
        """Return the log-probability (T,) of each character of a text after those before it."""
        letters, order = fold(text), self.order
        hashes = np.zeros((len(text) + 1, order), np.uint64)
        for i, code in enumerate(letters.codes):
            hashes[i + 1] = extended(hashes[i : i + 1, : order - 1], code[None])
        found = self.look_up(hashes[1:])
        before = np.concatenate([np.zeros((1, order), np.float32), found.back_offs[:-1]])
        return self.weigh(found, before[: len(text), : order - 1], letters.costs)

    def likelihood(self, text: str) -> float:
        """Return the natural log-probability of a text, no character of which is held for rarer than `RAREST`."""
        return float(np.maximum(self.score(text), RAREST).sum())


def fold(characters: Sequence[str]) -> Letters:
    """Return characters as hashes take them: digits are one, and letters have no case."""
    digits = np.array([c.isascii() and c.isdecimal() for c in characters], np.bool_)
    codes = np.array(
        [ord("0") if d else ord(c.lower()[0]) for c, d in zip(characters, digits, strict=True)],
        np.uint64,
    )
    return Letters(codes, np.where(digits, np.float32(_DIGIT), np.float32(0)))


def extended(contexts: Hashes, codes: Hashes) -> Hashes:
    """Return the hashes (B, n + 1) of 1 to n + 1 characters that end with `codes` (B,).

    Args:
        contexts: (B, n) hashes of the 1 to n characters before.
        codes: of `fold`.
    """
    before = np.concatenate([np.broadcast_to(_START, (len(codes), 1)), contexts], axis=1)
    mixed = (before + codes[:, None] + np.uint64(1)) * _MULTIPLY
    hashes: Hashes = mixed ^ (mixed >> np.uint64(32))
    # A context that does not exist must not make n-grams that do.
    hashes[before == 0] = 0
    return hashes


def places(hashes: Hashes, buckets: Hashes) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return both buckets (..., 2) of n-grams and their fingerprints (...), never 0."""
    other = (hashes * _SECOND) >> np.uint64(32)
    both = np.stack([hashes % buckets, other % buckets], axis=-1).astype(np.int64)
    return both, np.maximum(hashes >> np.uint64(40), np.uint64(1)).astype(np.uint32)
