"""Golden pages: their texts change only with the weights, the record and the changelog together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ocr
from bench import golden

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
HOW = "python -m bench.golden --write records what is read now, and says what CHANGELOG.md needs"


@pytest.fixture(scope="module")
def record() -> dict:
    return json.loads(golden.RECORD.read_text("utf-8"))


def test_texts_are_those_recorded(record: dict) -> None:
    found = golden.read(ocr.load(threads=1))
    assert found == record["pages"], HOW


def test_record_is_of_the_shipped_weights(record: dict) -> None:
    assert record["weights"] == golden.shipped(), HOW


def test_record_was_not_edited_by_hand(record: dict) -> None:
    assert record["digest"] == golden.digest(record["pages"]), HOW


def test_changelog_names_the_texts(record: dict) -> None:
    assert golden.changelog_line(record["pages"]) in CHANGELOG.read_text("utf-8"), HOW


def test_digest_follows_the_texts(record: dict) -> None:
    pages = record["pages"]
    name = next(name for name, lines in pages.items() if lines)
    changed = pages | {name: [*pages[name][:-1], pages[name][-1] + "."]}
    assert golden.digest(changed) != golden.digest(pages)
    assert golden.digest(dict(reversed(pages.items()))) == golden.digest(pages)


def test_the_pages_have_something_to_read(record: dict) -> None:
    assert len(record["pages"]) == len(golden.pictures()) >= 6
    assert all(len(lines) >= 3 for lines in record["pages"].values())
