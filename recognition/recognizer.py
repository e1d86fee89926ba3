"""Read line crops: sort by width, batch, run the network, decode, restore the order."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image, Network
from common.roles import Reading
from recognition import METHODS, attention, ctc, preprocess
from recognition.charset import Charset, normalize
from recognition.confidence import Confidence
from recognition.ctc import Run
from recognition.decoding.beam import BeamSearch
from recognition.decoding.language_model import LanguageModel
from recognition.decoding.lexicon import Lexicon
from recognition.decoding.prefix_search import Weights
from recognition.decoding.script_consistency import (
    Consistency,
    ScriptSettings,
    ascii_punctuation,
    majority_script,
)
from recognition.decoding.without_chinese import WithoutChinese

DECODERS = ("ctc", "attention", "either")
SEARCHES = ("greedy", "beam", "attention")

_BY_ATTENTION = (
    "this model reads by attention: beam search, lexicon, allowed characters and languages need the "
    "probabilities of CTC; leave them out or choose another recognizer"
)

_EMPTY = Reading("", 0.0)


class Recognizer:
    """Reads cropped lines.

    Args:
        network: (N, 1, 32, W) float32 to one array of log-probabilities (N, W/stride, C), blank first;
            with attention, to what `recognition.attention.runs` takes: classes, their log-probabilities and
            places, each (N, L). One that gives either gives these three first. With a short list, to what
            `train.export.gated_classifier` describes.
        charset: the characters in class order, as one string.
        batch_columns: columns (lines times width) of one batch at most; bounds memory.
        max_width: columns of one line at most; wider lines are squeezed.
        stride: columns of the input for one time step.
        decoder: "ctc", "attention" or "either", what the network gives.
        decode: "greedy", the best class of each step, "beam", a search where steps are unsure, or
            "attention"; None searches where there are a language model and probabilities to search in.
        language_model: what the search weighs texts with; None goes by the network alone.
        lexicon: words that are expected; those read nearly so are replaced where the picture allows.
        allowed: nothing but these characters is read; None allows all. Scores remain those of the
            network, so they are low where another character stands.
        chinese: whether Chinese is read; if not, it is left out of lines, and blurred letters are not taken for it.
        shortlist: the network gives log-probabilities of all classes only for lines that may need them, of the first
            few for all; it takes `alarm=` to change which.
        workers: batches worked on at once, each from preparing to decoding on a thread of its own. A core each, for
            networks that keep to one, does more than several cores for one batch after the other.
        search: settings of the beam search; None for the defaults.
        script: settings of what contradicts the rest of a line; None for the defaults.
        confidence: coefficients of `recognition.confidence.Confidence`; None where none were fitted.
        views: pictures of one line that the network takes together at most: (N, V, 32, W), zeros where there is none.

    Raises:
        ValueError: `stride`, `decoder` or `decode` is unknown, `allowed` has characters outside the
            charset, or one of these is asked of attention, which gives no probabilities to choose from.
    """

    def __init__(
        self,
        network: Network,
        *,
        charset: str,
        batch_columns: int = 512,
        max_width: int = preprocess.MAX_WIDTH,
        stride: int = preprocess.STRIDE,
        decoder: str = "ctc",
        decode: str | None = None,
        language_model: LanguageModel | None = None,
        lexicon: Lexicon | None = None,
        allowed: str | None = None,
        chinese: bool = True,
        shortlist: bool = False,
        workers: int = 1,
        search: Weights | None = None,
        script: ScriptSettings | None = None,
        confidence: Sequence[float] | None = None,
        views: int = 1,
    ) -> None:
        if shortlist and (lexicon is not None or allowed is not None or not chinese):
            # What is asked for may be what the network finds improbable: that has to be known of every line.
            network = functools.partial(cast(Any, network), alarm=np.array(-np.inf, np.float32))
        self.network = network
        self.confidence = None if confidence is None else Confidence(*confidence)
        self._shortlist = shortlist
        self.views = views
        self.charset = Charset(charset)
        self.batch_columns = batch_columns
        self.max_width = max_width
        if stride < 1:
            raise ValueError(f"stride {stride} is no number of columns, expected 1 or more")
        if decoder not in DECODERS:
            raise ValueError(f"decoder is {decoder!r}, expected one of {', '.join(DECODERS)}")
        decode = _way_to_decode(decoder, decode, searches=language_model is not None)
        self._workers = workers
        self._attends = decode == "attention"
        if self._attends and (lexicon or allowed is not None or not chinese):
            raise ValueError(_BY_ATTENTION)
        self.stride = stride
        self._decode: Callable[[Floats], list[Run]] = ctc.greedy
        if decode == "beam":
            self._decode = BeamSearch(self.charset.characters, language_model, search)
        self._script = script or ScriptSettings()
        self._consistency = Consistency(self.charset.characters, self._script)
        self._lexicon = lexicon
        self._barred = _barred(self.charset, allowed)
        self._without = None if chinese else WithoutChinese(self.charset.characters)

    def __call__(self, crops: Sequence[Image]) -> list[Reading]:
        """Read crops, (H, W, 3) uint8 RGB each; one reading per crop in the same order.

        Crops of one call are taken to be of one page: mostly in one script, and with the punctuation of one language.
        """
        readings = self._read(crops)
        script, others = majority_script([reading.text for reading in readings], self._script)
        if others and not self._attends:
            # They are few; to keep the probabilities of every line until then would take gigabytes.
            again = self._read([crops[i] for i in others], script)
            for i, reading in zip(others, again, strict=True):
                readings[i] = reading
        if self._barred is not None or self._without is not None:
            return readings
        texts = ascii_punctuation([reading.text for reading in readings], self._script)
        return [r._replace(text=text) for r, text in zip(readings, texts, strict=True)]

    def read_views(self, lines: Sequence[Sequence[Image]]) -> list[Reading]:
        """Read lines of which there are several pictures each; one reading for each line, in the same order.

        Args:
            lines: for each line its crops (H, W, 3) uint8 RGB, in any order, `views` at most.

        Raises:
            ValueError: a line has more pictures than the network takes, or none.
        """
        for crops in lines:
            if not 1 <= len(crops) <= self.views:
                raise ValueError(
                    f"found {len(crops)} pictures of one line, expected 1 to {self.views}"
                    + ": choose a recognizer that reads several views" * (self.views == 1)
                )
        return [self._read_together(crops) for crops in lines]

    def _read_together(self, crops: Sequence[Image]) -> Reading:
        """Read one line in several pictures, all brought to the width of the widest."""
        usable = [crop for crop in crops if crop.shape[0] and crop.shape[1]]
        if not usable:
            return _EMPTY
        width = max(
            preprocess.width_at_height(c.shape[0], c.shape[1], self.max_width) for c in usable
        )
        views = [preprocess.batch([crop], [width], self.stride) for crop in usable]
        outputs = self.network(np.concatenate(views, axis=1))
        runs = self._runs([output[0] for output in outputs], -(-width // self.stride), 0)
        return self._reading(runs, self.stride / width)

    def _read(self, crops: Sequence[Image], script: int = 0) -> list[Reading]:
        """Read crops, in a script where it is known."""
        readings = [_EMPTY] * len(crops)
        widths = [preprocess.width_at_height(c.shape[0], c.shape[1], self.max_width) for c in crops]
        usable = [i for i, crop in enumerate(crops) if crop.shape[0] and crop.shape[1]]
        groups = list(self._batches(usable, widths))
        read = functools.partial(self._read_batch, crops, widths, script=script)
        run = _mapping(self._workers if len(groups) > 1 else 1)
        for rows, found in zip(groups, run(read, groups), strict=True):
            for i, reading in zip(rows, found, strict=True):
                readings[i] = reading
        return readings

    def _read_batch(
        self, crops: Sequence[Image], widths: Sequence[int], rows: Sequence[int], script: int
    ) -> list[Reading]:
        """Read the crops numbered by `rows`, together."""
        chosen = [widths[i] for i in rows]
        outputs = self.answers([crops[i] for i in rows], chosen)
        readings = []
        for row, width in enumerate(chosen):
            runs = self._runs([output[row] for output in outputs], -(-width // self.stride), script)
            readings.append(self._reading(runs, self.stride / width))
        return readings

    def answers(self, crops: Sequence[Any], widths: Sequence[int]) -> Sequence[Any]:
        """Return what the network gives for lines at these widths, one array or list with a row for each.

        A reader of something else than pictures overrides this; `shape` of what it reads begins with height and width.
        """
        outputs = self.network(preprocess.batch(crops, widths, self.stride))
        return (_joined(*outputs),) if self._shortlist else outputs

    def _batches(self, usable: list[int], widths: Sequence[int]) -> Iterator[list[int]]:
        """Group lines of similar width, so that little is spent on padding."""
        rows: list[int] = []
        for i in sorted(usable, key=lambda i: widths[i]):
            if rows and widths[i] * (len(rows) + 1) > self.batch_columns:
                yield rows
                rows = []
            rows.append(i)
        if rows:
            yield rows

    def _runs(self, outputs: Sequence[Any], steps: int, script: int) -> list[Run]:
        """Find the characters in what the network gave for one line of so many steps."""
        if self._attends:
            labels, log_probs, places = outputs[:3]
            return attention.runs(labels, log_probs, places, steps)
        log_probs = outputs[-1][:steps]
        if self._barred is not None:
            log_probs = np.where(self._barred, np.float32(-np.inf), log_probs)
        if self._without is not None:
            log_probs = self._without.without(log_probs, self._decode(log_probs))
        runs = self._consistency(log_probs, self._decode, script)
        if self._without is not None:
            runs = self._without.single_spaced(runs)
        return self._lexicon.correct(log_probs, runs, self.charset) if self._lexicon else runs

    def _reading(self, runs: list[Run], step: float) -> Reading:
        """Make a reading of runs of steps, each of which is `step` of the crop's width."""
        text = self.charset.decode([run.label for run in runs])
        # Spaces at the ends come from wide crops, not from the text.
        first, last = len(text) - len(text.lstrip()), len(text.rstrip())
        runs, text = runs[first:last], text[first:last]
        if not text:
            return _EMPTY
        scores = tuple(run.probability for run in runs)
        # The last step may reach over the crop's end.
        spans = tuple((min(run.start * step, 1.0), min(run.stop * step, 1.0)) for run in runs)
        return Reading(text, sum(scores) / len(scores), scores, spans)


# Threads that stay. One that ends gives back what C++ libraries keep for it, under locks which a process that is forked
# in that moment would never get: one reading in a thousand that a fork followed at once.
_pools: dict[int, ThreadPoolExecutor] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def _mapping(workers: int) -> Callable[..., Iterator[list[Reading]]]:
    """Return what maps a function over items in their order, so many at once."""
    if workers < 2:
        return map
    pool = _pools.get(workers)
    if pool is None:  # another thread may come first
        pool = _pools.setdefault(workers, ThreadPoolExecutor(workers, "ocr-lines"))
    return pool.map


def _joined(short: Floats, rows: NDArray[np.int64], whole: Floats) -> list[Floats]:
    """Log-probabilities of each line of a batch: (T, K) of the short list, (T, C) of all classes where known."""
    lines = list(short)
    for row, line in zip(rows.tolist(), whole, strict=True):
        lines[row] = line
    return lines


def _way_to_decode(decoder: str, decode: str | None, *, searches: bool) -> str:
    """One of `SEARCHES`, for what a network gives and what was asked for."""
    if decode not in (None, *SEARCHES):
        raise ValueError(f"decode is {decode!r}, expected one of {', '.join(SEARCHES)}")
    if decoder == "attention":
        if decode == "beam":
            raise ValueError(_BY_ATTENTION)
        return "attention"
    if decode == "attention" and decoder == "ctc":
        raise ValueError(
            "this model does not read by attention; leave that out, or choose a recognizer that does: "
            + ", ".join(row.name for row in METHODS.values() if "attention" in row.decoders)
        )
    return decode or ("beam" if searches else "greedy")


def _barred(charset: Charset, allowed: str | None) -> NDArray[np.bool_] | None:
    """Which classes (C,) must not be read; None bars none."""
    if allowed is None:
        return None
    known = set(normalize(allowed))
    if missing := charset.missing("".join(sorted(known))):
        raise ValueError(
            f"allowed characters {''.join(sorted(missing))!r} are not among those this model reads; "
            "leave them out"
        )
    return np.array([False, *(c not in known for c in charset.characters)], np.bool_)
