"""Measure systems that find and read in one, and chains of a detector and a recognizer, on the same pages.

A chain does what a spotter does and no more: the networks see the page as it is, lines grow by the same margin and are
read by the usual decoder, without a language model. What `ocr` does around both is left out.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import detection
import recognition
import spotting
from bench.detector_runs import onnx_parameters, weight_files
from bench.survey.end_to_end import PARTIAL, Counts, Read, counted
from bench.survey.measure import Book, Figures, Selection, key_of, names_of, sizes
from common.arrays import Image
from common.quads import crop, enlarged
from common.roles import Detector, Recognizer, Spotter
from ocr.models import build, decoding
from ocr.settings import Settings
from ocr.weights import ModelRow, WeightsError, checked_path, models
from recognition.preprocess import UPSCALE_BELOW_HEIGHT
from train.evaluate.page_metrics import ReadLine

MARGIN = Settings().crop.margin
"""By which lines grow before they are read."""


class Candidate(NamedTuple):
    """A system to be measured: a spotter, or a detector with a recognizer, by their keys in the registries."""

    key: str
    detector: str = ""
    recognizer: str = ""


CHAINS = (
    Candidate("ctpn + crnn", "ctpn", "crnn"),
    Candidate("east + crnn", "east", "crnn"),
)
"""The default networks, and those that FOTS is made of."""


def measure_systems(chosen: Selection, book: Book) -> dict[str, Figures]:
    """Measure the spotters that have weights and, if there are any, `CHAINS`; `error` says why one does not load."""
    there = {row.name for row in models(chosen.folder) if row.task == "spotter"}
    spotters = [Candidate(key) for key, row in spotting.METHODS.items() if row.name in there]
    results: dict[str, Figures] = {}
    for candidate in (*spotters, *CHAINS) if spotters else ():
        try:
            files = files_of(candidate, chosen)
        except ValueError:  # the chain's detector has no weights
            continue
        sums = [(row.sha256, row.shares_sha256) for row in files]
        digest = key_of(sums, names_of(chosen.pages), chosen.threads)
        measure = partial(_measured, candidate, files, chosen)
        try:
            results[candidate.key] = book.measured("spotter", candidate.key, digest, measure)
        except WeightsError as error:
            results[candidate.key] = {"error": f"{candidate.key}: {error}"}
    return results


def files_of(candidate: Candidate, chosen: Selection) -> list[ModelRow]:
    """List the files that a system needs to run.

    Raises:
        ValueError: there are none.
    """
    if not candidate.detector:
        return weight_files(spotting.METHODS[candidate.key].name, "spotter", chosen.folder)
    finds = detection.METHODS[candidate.detector].name
    reads = recognition.METHODS[candidate.recognizer].name
    return weight_files(finds, "detector", chosen.folder) + weight_files(
        reads, "recognizer", chosen.folder
    )


def _measured(candidate: Candidate, files: Sequence[ModelRow], chosen: Selection) -> Figures:
    read, seconds = opened(candidate, chosen), list[float]()
    parameters = sum(onnx_parameters(checked_path(row, chosen.folder)) for row in files)
    together: dict[str, Counts] = defaultdict(Counts)
    sets = []
    for pages in chosen.pages:
        groups = counted(read, pages, seconds, candidate.key)
        sets.append(_figures(groups))
        for name, counts in groups.items():
            together[name] += counts
    return {
        "parameters": parameters,
        "bytes": sizes(files, chosen.folder),
        "cpu_ms": 1e3 * statistics.median(seconds) if seconds else None,
        "rows": _figures(together),
        "sets": sets,
    }


def _figures(groups: Mapping[str, Counts]) -> dict[str, dict[str, float | None]]:
    return {name: counts.figures(partial=name.endswith(PARTIAL)) for name, counts in groups.items()}


def opened(candidate: Candidate, chosen: Selection) -> Read:
    """Open a system.

    Raises:
        WeightsError: a file is missing or damaged, or one that it shares arrays with is another one.
    """
    make = partial(build, threads=chosen.threads, folder=chosen.folder)
    reading = decoding("greedy")
    if not candidate.detector:
        options = {"margin": MARGIN, "reading": reading}
        return spotted(make(spotting.METHODS[candidate.key].name, "spotter", options=options))
    reads = recognition.METHODS[candidate.recognizer].name
    return chained(
        make(detection.METHODS[candidate.detector].name, "detector"),
        make(reads, "recognizer", options=reading),
    )


def spotted(spotter: Spotter) -> Read:
    """Return what reads a picture by a spotter."""

    def read(image: Image) -> list[ReadLine]:
        found = spotter(image)
        return [ReadLine(one.text, quad) for one, quad in zip(found.readings, found.quads, strict=True)]  # fmt: skip

    return read


def chained(detector: Detector, recognizer: Recognizer) -> Read:
    """Return what reads a picture by a detector and a recognizer."""

    def read(image: Image) -> list[ReadLine]:
        quads, _ = detector(image)
        crops = [crop(image, enlarged(quad, MARGIN), fine=UPSCALE_BELOW_HEIGHT) for quad in quads]
        readings = recognizer(crops) if crops else []
        return [ReadLine(one.text, quad) for one, quad in zip(readings, quads, strict=True)]

    return read
