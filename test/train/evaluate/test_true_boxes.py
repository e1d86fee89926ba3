"""Lines by their true boxes: which count, and what is counted."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from train.data.readers.jsonl import read_pages
from train.evaluate.true_boxes import Surest, boxed_lines, format_table, score


def square(x: int, y: int, width: int, height: int) -> list[list[int]]:
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    picture = np.full((100, 200, 3), 255, np.uint8)
    for i, x in enumerate((10, 60, 110)):  # grey levels that tell the lines apart
        picture[20:40, x : x + 40] = 50 * (i + 1)
    cv2.imwrite(str(tmp_path / "page.png"), picture)
    cv2.imwrite(str(tmp_path / "word.png"), np.full((20, 60, 3), 200, np.uint8))
    lines = [
        {"quad": square(10, 20, 40, 20), "text": "One", "ignore": False},
        {"quad": square(60, 20, 40, 20), "text": "two", "ignore": False},
        {"quad": square(110, 20, 40, 20), "text": "###", "ignore": True},
        {"quad": None, "text": "somewhere", "ignore": False},
    ]
    word = [{"quad": None, "text": "It's", "ignore": False}]
    records = [
        {"image": "page.png", "source": "pages", "lines": lines},
        {"image": "word.png", "source": "words", "level": "word", "crop": True, "lines": word},
    ]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, records)))
    return tmp_path


def test_lines_whose_place_is_known_are_cut_out(data: Path) -> None:
    page, word = read_pages(data)
    cut = boxed_lines(page)
    assert [text for _, text in cut] == ["One", "two"]
    assert [round(float(image.mean())) for image, _ in cut] == [50, 100]
    assert [(image.shape, text) for image, text in boxed_lines(word)] == [((20, 60, 3), "It's")]


def test_lines_are_compared_as_their_source_asks(data: Path) -> None:
    readings = {50: "ONE", 100: "too", 200: "its"}

    def reader(crops: list[np.ndarray]) -> list[SimpleNamespace]:
        return [SimpleNamespace(text=readings[round(float(c.mean()))], score=0.5) for c in crops]

    scores = score(reader, list(read_pages(data)), None)  # type: ignore[arg-type]
    pages, words = scores["pages"].figures(), scores["words"].figures()
    assert (pages["lines"], pages["exact"], pages["cer"]) == (2, 0.5, 1 / 6)
    assert (words["lines"], words["exact"], words["cer"]) == (1, 1.0, 0.0)
    assert format_table({"pages": pages}).splitlines()[1].split()[:3] == ["pages", "2", "0.500"]


def test_of_what_a_spotter_finds_in_a_line_the_surest_text_counts() -> None:
    texts = {50: [("no", 0.3), ("One", 0.8)], 100: []}

    def spotter(crop: np.ndarray) -> SimpleNamespace:
        found = [SimpleNamespace(text=t, score=s) for t, s in texts[int(crop.mean())]]
        return SimpleNamespace(readings=found)

    spotter.confidence = None  # type: ignore[attr-defined]
    crops = [np.full((20, 60, 3), level, np.uint8) for level in texts]
    readings = Surest(spotter)(crops)  # type: ignore[arg-type]
    assert [reading.text for reading in readings] == ["One", ""]
