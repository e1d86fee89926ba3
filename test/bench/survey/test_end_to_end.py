"""Lines found and read right: how they are counted, what a chain reads, tables, systems that do not load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("shapely", reason="requirements-train.txt is not installed")

from bench.survey import end_to_end_tables, systems
from bench.survey.end_to_end import count, counted
from bench.survey.measure import Book, Selection
from bench.survey.systems import CHAINS, Candidate, chained, measure_systems, spotted
from common.arrays import Image
from common.quads import boxes_to_quads
from common.roles import Reading, Spotted
from ocr.weights import ModelRow, WeightsError
from train.data.samples import LabelledPage, Line
from train.evaluate.page_metrics import ReadLine

PAGES = Path(__file__).parents[2] / "data" / "accuracy"


def quads(n: int) -> np.ndarray:
    """Lines below each other, 100 x 20 pixels."""
    return boxes_to_quads(np.array([[10, 30 * i + 10, 110, 30 * i + 30] for i in range(n)], np.float32))  # fmt: skip


def page(*texts: str, ignore: tuple[int, ...] = (), **flags: Any) -> LabelledPage:
    placed = zip(quads(len(texts)), texts, strict=True)
    lines = [Line(quad, text, i in ignore) for i, (quad, text) in enumerate(placed)]
    return LabelledPage(PAGES / "sign-2.jpg", "shop", lines=tuple(lines), **flags)


def read(*texts: str) -> list[ReadLine]:
    return [ReadLine(text, quad) for text, quad in zip(texts, quads(len(texts)), strict=True)]


def test_a_line_is_right_where_place_and_text_are() -> None:
    found = count(page("Wine", "茶", "beer"), read("ＷＩＮＥ", "荼", "")).figures()
    assert found["recall"] == pytest.approx(1 / 3), "compared in the unified form"
    assert found["precision"] == 1 / 2, "a line without text is not a line read"
    assert found["hmean"] == 2 / 5
    assert found["found"] == 1.0, "all three were found"
    assert found["lines"] == 3
    elsewhere = [ReadLine("Wine", quads(9)[8])]
    assert count(page("Wine"), elsewhere).figures()["hmean"] == 0


def test_texts_are_compared_on_their_own_lines() -> None:
    swapped = read("one", "two")[::-1]
    assert count(page("one", "two"), swapped).figures()["hmean"] == 1, "in any order"
    crossed = [ReadLine("two", quads(2)[0]), ReadLine("one", quads(2)[1])]
    assert count(page("one", "two"), crossed).figures()["hmean"] == 0


def test_ignored_lines_count_neither_way() -> None:
    found = count(page("one", "two", ignore=(1,)), read("one", "anything")).figures()
    assert found["lines"] == 1
    assert found["recall"] == found["precision"] == found["found"] == 1


def test_letters_alone_where_the_page_asks_for_it() -> None:
    assert count(page("a-b", alnum=True), read("ab!")).figures()["hmean"] == 1
    assert count(page("a-b"), read("ab!")).figures()["hmean"] == 0


def test_pages_are_grouped_and_those_of_words_passed_over() -> None:
    calls, seconds = [], list[float]()

    def system(image: Image) -> list[ReadLine]:
        calls.append(image.shape)
        return read("one", "no")

    pages = [
        page("one", "two"),
        page("one", word_level=True),
        page("one", "x", partial=True),
        page(),
    ]
    groups = counted(system, pages, seconds, "a system")
    assert set(groups) == {"shop", "all", "shop, recall alone"}
    assert groups["all"].right.n_true == 2 and groups["all"].right.recall == 1 / 2
    figures = groups["shop, recall alone"].figures(partial=True)
    assert figures["recall"] == 1 / 2 and figures["hmean"] is None
    assert len(seconds) == 2 and len(calls) == 3, "the first picture is seen once before"


def test_a_chain_reads_what_its_detector_finds() -> None:
    heights = []

    def recognizer(crops: Any) -> list[Reading]:  # noqa: ANN401
        heights.extend(len(one) for one in crops)
        return [Reading(str(i), 1.0) for i, _ in enumerate(crops)]

    def detector(image: Image, *, min_side: int = 0) -> Any:  # noqa: ANN401
        return quads(image[0, 0, 0]), np.ones(image[0, 0, 0])

    lines = chained(detector, recognizer)(np.full((200, 200, 3), 2, np.uint8))
    assert [line.text for line in lines] == ["0", "1"]
    np.testing.assert_array_equal([line.box for line in lines], quads(2))
    assert min(heights) >= 20 * 1.16 - 1, "cut out with the margin"
    assert chained(detector, recognizer)(np.zeros((9, 9, 3), np.uint8)) == []


def test_a_spotter_reads_its_own_lines() -> None:
    class Stub:
        def __call__(self, image: Image, /) -> Spotted:
            return Spotted(quads(2), np.ones(2, np.float32), (Reading("a", 1.0), Reading("", 0.0)))

    lines = spotted(Stub())(np.zeros((9, 9, 3), np.uint8))  # type: ignore[arg-type]
    assert [line.text for line in lines] == ["a", ""]


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """FOTS that misses the last line, the default chain that reads all, another one that does not load."""
    opened = list[str]()

    def open_system(candidate: Candidate, chosen: Selection) -> Any:  # noqa: ANN401
        opened.append(candidate.key)
        if candidate.key == "east + crnn":
            raise WeightsError("made with another file")
        return lambda image: read("one", "two")[: 1 if candidate.key == "fots" else 2]

    def files(name: str, task: str, folder: Path) -> list[ModelRow]:
        return [ModelRow(name, task, "fots", f"{task}.onnx", task, 1_500_000)]

    monkeypatch.setattr(systems, "models", lambda folder: files("fots", "spotter", folder))
    monkeypatch.setattr(systems, "weight_files", files)
    monkeypatch.setattr(systems, "opened", open_system)
    monkeypatch.setattr(systems, "checked_path", lambda *_: Path())
    monkeypatch.setattr(systems, "onnx_parameters", lambda path: 7)
    return opened


def test_systems_stand_side_by_side(stubs: list[str], tmp_path: Path) -> None:
    chosen = Selection([[page("one", "two")], [page("one", "two", "three", partial=True)]])
    book = Book(tmp_path / "figures.json")
    results = measure_systems(chosen, book)
    assert list(results) == ["fots", *(chain.key for chain in CHAINS)]
    table = end_to_end_tables.spotters(results, 2, "en").splitlines()
    rows = {line.split(" | ")[0]: line for line in table}
    assert ".500 / 1.000 / .667 | .667 | " in rows["| FOTS"]
    assert "| – / – / – | – | – |" in rows["| FOTS"], "no page of the second set has all its text"
    both = rows["| CTPN, small + CRNN, small"]
    assert "1.000 / 1.000 / 1.000" in both and " | 1.5 + 1.5 | 14 | – | – |" in both
    assert "could not be measured" not in "".join(rows), "a chain that does not load has no row"
    assert "no weights shipped" in rows["| STN-OCR"]
    assert len({line.count("|") for line in rows.values()}) == 1
    assert "made with another file" in results["east + crnn"]["error"]
    by_source = end_to_end_tables.spotters_by_source(results, "en").splitlines()
    assert by_source[0] == "| source | lines | FOTS | CTPN, small + CRNN, small |"
    assert by_source[2:] == [
        "| set 1: shop | 2 | .667 | 1.000 |",
        "| set 2: shop, recall alone | 3 | .333 | .667 |",
    ]
    stubs.clear()
    assert measure_systems(chosen, book) == results
    assert stubs == ["east + crnn"], "what was measured is not measured again"


def test_chains_alone_are_not_measured(stubs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "models", lambda folder: [])
    assert measure_systems(Selection([[page("one")]]), Book(None)) == {} and not stubs


def test_tables_of_nothing() -> None:
    for language in ("en", "zh"):
        table = end_to_end_tables.spotters({}, 2, language)
        assert len({line.count("|") for line in table.splitlines()}) == 1
        assert len(end_to_end_tables.spotters_by_source({}, language).splitlines()) == 2
