"""Measure every system that has weights on the same labelled pictures; what a file of figures has already is kept."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import detection
import recognition
from bench.detector_runs import (
    Candidate,
    DetectorError,
    DetectorRun,
    onnx_parameters,
    run,
    shipped,
    weight_files,
)
from bench.detector_scores import figures, score
from ocr.models import build, decoding
from ocr.weights import WEIGHTS, ModelRow, checked_path, models, shared_row
from train.data.samples import LabelledPage
from train.evaluate.true_boxes import SourceScore
from train.evaluate.true_boxes import score as read_lines
from train.loop.run import write_json

Figures = dict[str, Any]
"""Of one system: what it is measured with (`key`), what it costs, what it reached."""


@dataclass(frozen=True)
class Selection:
    """What is measured on.

    Args:
        pages: of each folder, labelled pages to find lines on.
        lines: of each folder, pages and pictures of lines to read by their true boxes.
        shown: pictures whose lines found are kept.
        line_limit: lines of each source, about; None for all.
        threads: of a detector.
        folder: of the weights.
    """

    pages: Sequence[Sequence[LabelledPage]]
    lines: Sequence[Sequence[LabelledPage]] = ()
    shown: Sequence[Path] = ()
    line_limit: int | None = None
    threads: int = 1
    folder: Path = WEIGHTS


class Book:
    """Figures by task and system, written to a file after each; what stands there with the same key is not measured.

    Args:
        path: of the file; None keeps them in memory.

    Raises:
        ValueError: the file holds something else.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self.figures = path, dict[str, dict[str, Figures]]()
        if path is not None and path.is_file():
            try:
                found = json.loads(path.read_text("utf-8"))
                self.figures = {
                    task: {name: dict(one) for name, one in systems.items()}
                    for task, systems in found.items()
                }
            except (ValueError, AttributeError) as error:
                raise ValueError(
                    f"{path} holds no figures of bench.survey ({error}); name another file"
                ) from error

    def measured(self, task: str, name: str, key: str, measure: Callable[[], Figures]) -> Figures:
        """Return the figures of a system, by measuring where they are not there."""
        known = self.figures.setdefault(task, {})
        if known.get(name, {}).get("key") != key:
            known[name] = {**measure(), "key": key}
            if self._path is not None:
                write_json(self._path, self.figures)
        return known[name]


def key_of(*parts: object) -> str:
    """Tell what was measured from what was not: a digest of weights, pictures and settings."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def sizes(files: Sequence[ModelRow], folder: Path) -> list[int]:
    """Return the bytes of a system's files, then those of the files that they share arrays with, each once."""
    shared = [other for row in files if (other := shared_row(row, folder))]
    # Two models of a chain may need the same file.
    return [row.size for row in dict.fromkeys((*files, *shared))]


def measure_detectors(chosen: Selection, book: Book) -> dict[str, Figures]:
    """Measure the detectors that have weights; of one whose process ends early the message is under `error`."""
    results: dict[str, Figures] = {}
    for candidate in shipped(chosen.folder):
        sums = [(row.sha256, row.shares_sha256) for row in _files(candidate, chosen)]
        key = key_of(sums, names_of(chosen.pages), names_of([chosen.shown]), chosen.threads)  # fmt: skip
        try:
            measure = functools.partial(_detector, candidate, chosen)
            results[candidate.name] = book.measured("detector", candidate.name, key, measure)
        except DetectorError as error:
            results[candidate.name] = {"error": str(error)}
    return results


def _files(candidate: Candidate, chosen: Selection) -> list[ModelRow]:
    return weight_files(detection.METHODS[candidate.method].name, "detector", chosen.folder)


def _detector(candidate: Candidate, chosen: Selection) -> Figures:
    """Run a detector over all pages once, and count by folder and over all."""
    pages = [page for folder in chosen.pages for page in folder]
    found = run(candidate, [page.path for page in pages] + list(chosen.shown), chosen.threads)
    whole = replace(found, found=found.found[: len(pages)])
    shown = found.found[len(pages) :]
    return {
        **figures(score(pages, whole), whole),
        "bytes": sizes(_files(candidate, chosen), chosen.folder),
        "sets": [figures(score(part, own), own)["rows"] for part, own in _parts(chosen, whole)],
        "shown": [[] if one is None else one.quads.round(1).tolist() for one in shown],
    }


def _parts(
    chosen: Selection, whole: DetectorRun
) -> Iterator[tuple[Sequence[LabelledPage], DetectorRun]]:
    start = 0
    for pages in chosen.pages:
        yield pages, replace(whole, found=whole.found[start : start + len(pages)])
        start += len(pages)


def measure_recognizers(chosen: Selection, book: Book) -> dict[str, Figures]:
    """Measure the recognizers that have weights, each by its usual decoder, without a language model."""
    results: dict[str, Figures] = {}
    there = {row.name for row in models(chosen.folder) if row.task == "recognizer"}
    for key, row in recognition.METHODS.items():
        if row.name not in there or not chosen.lines:
            continue
        files = weight_files(row.name, "recognizer", chosen.folder)
        sums = [(one.sha256, one.shares_sha256) for one in files]
        digest = key_of(sums, names_of(chosen.lines), chosen.line_limit)
        measure = functools.partial(_recognizer, row, chosen)
        results[key] = book.measured("recognizer", key, digest, measure)
    return results


def _recognizer(row: recognition.Row, chosen: Selection) -> Figures:
    attends = row.decoders[0] == "attention"
    reader = build(
        row.name, "recognizer", threads=1, folder=chosen.folder,
        options=decoding("attention" if attends else "greedy"),
    )  # fmt: skip
    files = weight_files(row.name, "recognizer", chosen.folder)
    sources: dict[str, SourceScore] = {}
    sets = []
    for pages in chosen.lines:
        found = read_lines(reader, pages, chosen.line_limit)
        sets.append({name: one.figures() for name, one in sorted(found.items())})
        sources |= {f"{len(sets)} {name}": one for name, one in found.items()}
    return {
        "parameters": sum(onnx_parameters(checked_path(one, chosen.folder)) for one in files),
        "bytes": sizes(files, chosen.folder),
        "all": _summed(sources.values()).figures(),
        "sets": sets,
    }


def _summed(scores: Iterable[SourceScore]) -> SourceScore:
    total = SourceScore()
    for one in scores:
        total.lines += one.lines
        total.exact += one.exact
        total.edits += one.edits
        total.characters += one.characters
        total.seconds += one.seconds
    return total


def names_of(folders: Sequence[Sequence[LabelledPage | Path]]) -> list[list[str]]:
    """Name the pictures of folders, for `key_of`."""
    return [[str(getattr(page, "path", page)) for page in folder] for folder in folders]
