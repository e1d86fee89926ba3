"""Golden pages: what is read changes only with the weights, the record and the changelog together.

Quantized kernels round otherwise on another kind of processor, so a character here and there may
differ from the record; a change of the code shows as more than that.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ocr
from bench import golden
from common.edit_distance import edit_distance

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
HOW = "python -m bench.golden --write records what is read now, and says what CHANGELOG.md needs"
LIMITS = {"all": 0.01, "page": 0.05}  # of the recorded characters, on all pages and on each


@pytest.fixture(scope="module")
def record() -> dict:
    return json.loads(golden.RECORD.read_text("utf-8"))


def changed(found: dict[str, list[str]], known: dict[str, list[str]]) -> dict[str, float]:
    """Character error rate of each page against the record, lines in their order; "all" of them all."""
    assert found.keys() == known.keys()
    texts = {name: ("\n".join(found[name]), "\n".join(known[name])) for name in known}
    edits = {name: edit_distance(*pair) for name, pair in texts.items()}
    rates = {name: edits[name] / len(text) for name, (_, text) in texts.items()}
    return rates | {"all": sum(edits.values()) / sum(len(text) for _, text in texts.values())}


def within(rates: dict[str, float]) -> bool:
    return rates["all"] <= LIMITS["all"] and max(rates.values()) <= LIMITS["page"]


def test_example_pages_read_as_recorded(record: dict, shipped_reader: ocr.Reader) -> None:
    rates = changed(golden.read(shipped_reader), record["pages"])
    assert within(rates), f"{HOW}: {rates}"


def test_changed_texts_exceed_the_tolerance(record: dict) -> None:
    pages = record["pages"]
    assert within(changed(pages, pages))
    for name, lines in pages.items():
        for other in (
            lines[::-1],
            lines[: len(lines) // 2],
            [line[2:] for line in lines],
            [*lines[1:], lines[0]],
        ):
            assert not within(changed(pages | {name: other}, pages)), name


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
