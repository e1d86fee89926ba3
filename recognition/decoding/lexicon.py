"""Correct words to those of a lexicon where the picture allows it.

The lexicon-based transcription of CRNN (Shi et al. 2015, §2.3): of the words a few edits away from
what was read, the one to which the network gives the highest probability. Unlike there, it must also
be almost as probable as what was read, so that words outside the lexicon are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.arrays import Floats
from common.edit_distance import edit_distance
from common.settings import StepSettings, setting
from recognition.charset import Charset, normalize
from recognition.ctc import Run, align, collapse, log_likelihood


@dataclass(frozen=True)
class LexiconSettings(StepSettings):
    """Say when an expected word stands for what was read."""

    tolerance: float = setting(3.0, "Nats by which a word may be less probable for each edit", 0)
    sure: float = setting(
        0.98, "Words of which every step has a class as probable as this are left", 0, 1
    )
    characters_per_edit: int = setting(4, "Characters of a word for each edit allowed", 1)
    max_tried: int = setting(
        16, "Words whose probability is computed; more are hardly ever that near", 1
    )


_BITS = 64


class Lexicon:
    """Words and lines that are expected. Threads may share one; nothing in it changes.

    A line's words stand between spaces, without the signs around them. Case counts.

    Args:
        words: expected ones; a phrase is compared with whole lines.
        settings: of when they stand for what was read.
    """

    def __init__(
        self,
        words: Iterable[str],
        settings: LexiconSettings = LexiconSettings(),  # noqa: B008 - frozen
    ) -> None:
        self._settings = settings
        folded = (" ".join(normalize(word).split()) for word in words)
        self.words = tuple(dict.fromkeys(word for word in folded if word))
        self._known = frozenset(self.words)
        self._sets = np.array([_set(word) for word in self.words], np.uint64)
        self._lengths = np.array([len(word) for word in self.words], np.int64)

    @classmethod
    def load(
        cls,
        path: Path,
        settings: LexiconSettings = LexiconSettings(),  # noqa: B008 - frozen
    ) -> Lexicon:
        """Read a UTF-8 text file with one word or phrase a line.

        Raises:
            ValueError: the file is not UTF-8.
            OSError: it cannot be read.
        """
        try:
            return cls(path.read_text("utf-8-sig").splitlines(), settings)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8"
            ) from error

    def __len__(self) -> int:
        """Words, repetitions not counted."""
        return len(self.words)

    def near(self, word: str) -> list[str]:
        """Return the words at most a quarter of its characters away from a word, nearest first."""
        each = self._settings.characters_per_edit
        limit = (len(word) + each // 2) // each
        if not limit or not len(self):
            return []
        # One edit changes at most two characters of a set, and one of the length.
        apart = np.bitwise_count(self._sets ^ np.uint64(_set(word)))
        possible = (apart <= 2 * limit) & (np.abs(self._lengths - len(word)) <= limit)
        found = [
            (edits, self.words[i])
            for i in np.flatnonzero(possible).tolist()
            if (edits := edit_distance(word, self.words[i])) <= limit
        ]
        return [known for _, known in sorted(found)]

    def correct(self, log_probs: Floats, runs: Sequence[Run], charset: Charset) -> list[Run]:
        """Replace words of a line, or all of it, by expected ones where these fit the picture.

        Args:
            log_probs: (T, C) of the line, class 0 is the blank.
            runs: the line as decoded.
            charset: of the classes.

        Returns:
            The runs, new ones where a word was replaced.
        """
        text = charset.decode([run.label for run in runs])
        if not self.words or not text or log_probs.max(1).min() >= np.log(self._settings.sure):
            return list(runs)
        whole = self._fitting(log_probs, runs, 0, len(runs), text, charset)
        if whole is not None:
            return whole
        result = list(runs)
        for start, stop in reversed(word_spans(text)):
            word = text[start:stop]
            if (start, stop) != (0, len(text)):
                fitting = self._fitting(log_probs, runs, start, stop, word, charset)
                if fitting is not None:
                    result[start:stop] = fitting
        return result

    def _fitting(
        self,
        log_probs: Floats,
        runs: Sequence[Run],
        start: int,
        stop: int,
        word: str,
        charset: Charset,
    ) -> list[Run] | None:
        """The runs of the expected word that fits best in place of runs start to stop; None to leave them."""
        if word in self._known:
            return list(runs[start:stop])
        first = runs[start - 1].stop if start else 0
        last = runs[stop].start if stop < len(runs) else len(log_probs)
        part = log_probs[first:last]
        if part.max(1).min() >= np.log(self._settings.sure):
            return None
        known = [w for w in self.near(word) if not charset.missing(w)][: self._settings.max_tried]
        if not known:
            return None
        least = log_likelihood(part, charset.encode(word))
        best: list[int] | None = None
        most = -np.inf
        for candidate in known:
            labels = charset.encode(candidate)
            likelihood = log_likelihood(part, labels)
            if likelihood > most and likelihood >= least - self._settings.tolerance * edit_distance(
                word, candidate
            ):
                best, most = labels, likelihood
        if best is None or most == -np.inf:
            return None
        return [
            Run(run.label, run.start + first, run.stop + first, run.probability)
            for run in collapse(*align(part, best))
        ]


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, stop) of the words of a text: between spaces, without the signs around them."""
    spans: list[tuple[int, int]] = []
    start = 0
    for piece in text.split(" "):
        core = [i for i, character in enumerate(piece, start) if character.isalnum()]
        if core:
            spans.append((core[0], core[-1] + 1))
        start += len(piece) + 1
    return spans


def _set(word: str) -> int:
    """The characters of a word as bits; several characters share one."""
    bits = 0
    for character in word:
        bits |= 1 << ord(character) % _BITS
    return bits
