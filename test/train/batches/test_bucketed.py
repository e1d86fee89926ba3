"""Batches of one width and of hard lines: what they hold, and that nothing is lost or comes twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recognition.charset import Charset
from train.batches import hard_lines
from train.batches.bucketed import EDGES, BucketedLineBatches
from train.batches.hard_lines import HardLines
from train.batches.lines import LineBatches
from train.data.samples import LineSample
from train.loop.recipes import CrnnRecipe

RECIPE = CrnnRecipe(columns=2048, page_share=0.0)


class Renderer:
    """Blank lines of any length, each with its number for a text."""

    def __init__(self) -> None:
        self.drawn: list[int] = []

    def line(self, seed: int, index: int, max_width: int) -> LineSample:
        self.drawn.append(index)
        width = int(np.random.default_rng([seed, index]).uniform(0.2, 1.1) * max_width)
        return LineSample(np.full((32, max(width, 16), 3), 200, np.uint8), str(index))


def made(recipe: CrnnRecipe = RECIPE, **more: object) -> BucketedLineBatches:
    return BucketedLineBatches(Renderer(), Charset.load(), recipe, 1, **more)  # type: ignore[arg-type]


def texts(batch: dict[str, np.ndarray]) -> list[str]:
    charset = Charset.load()
    return [
        charset.decode(row[:n]) for row, n in zip(batch["labels"], batch["lengths"], strict=True)
    ]


def filled(batch: dict[str, np.ndarray]) -> float:
    return float(batch["steps"].mean() * 4 / batch["lines"].shape[3])


def test_bucketed_batches_have_little_padding() -> None:
    plain = LineBatches(Renderer(), Charset.load(), RECIPE, 1)  # type: ignore[arg-type]
    batches = made()
    of_plain = np.mean([filled(plain(i)) for i in range(20)])
    of_bucketed = np.mean([filled(batches(i)) for i in range(20)])
    assert of_plain < 0.7 < 0.8 < of_bucketed


def test_batches_are_filled_up_to_the_column_budget() -> None:
    batches = made()
    for i in range(20):
        count, _, height, width = batches(i)["lines"].shape
        assert width in EDGES
        assert width % 4 == 0
        assert height == 32
        assert count == 2048 // width


def test_no_line_comes_twice_in_any_stream() -> None:
    seen: list[str] = []
    for start in (0, 1, 7):  # as two workers, and a run that is resumed
        batches = made()
        for i in range(15):
            seen += texts(batches(start + 2 * i))
    assert len(set(seen)) == len(seen) > 500


def test_streams_are_reproducible() -> None:
    first, second = made(), made()
    for i in (3, 4, 5):
        a, b = first(i), second(i)
        assert all(np.array_equal(a[key], b[key]) for key in a)


def test_filtered_lines_are_not_trained_on() -> None:
    odd = made(keep=lambda samples, _: [s for s in samples if int(s.text) % 2])
    assert all(int(text) % 2 for i in range(5) for text in texts(odd(i)))


def test_hard_lines_filter_keeps_lines_read_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = {"right": "right", "near": "neer", "lost": "xxxx"}

    def read(images: list[np.ndarray]) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(text=readings[list(readings)[int(image[0, 0, 0])]]) for image in images
        ]

    monkeypatch.setattr(hard_lines, "_open", lambda path: read)
    samples = [
        LineSample(np.full((8, 8, 3), i, np.uint8), text)
        for _ in range(300)
        for i, text in enumerate(readings)
    ]
    keep = HardLines(Path("any.onnx"), right=0.2, hopeless=0.5)
    kept = [sample.text for sample in keep(samples, np.random.default_rng(0))]
    assert kept.count("near") == 300
    assert 30 < kept.count("right") < 90
    assert 120 < kept.count("lost") < 180


class Foreign(Renderer):
    """Every third line has a character that is not in the charset."""

    def line(self, seed: int, index: int, max_width: int) -> LineSample:
        sample = super().line(seed, index, max_width)
        return replace(sample, text="∆" + sample.text) if index % 3 == 0 else sample


@pytest.mark.parametrize("kind", [LineBatches, BucketedLineBatches])
def test_lines_with_unknown_characters_are_left_out(kind: type[LineBatches]) -> None:
    batches = kind(Foreign(), Charset.load(), RECIPE, 1)  # type: ignore[arg-type]
    read = [text for i in range(4) for text in texts(batches(i))]
    assert read
    assert not any(int(text) % 3 == 0 for text in read)
