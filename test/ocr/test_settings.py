"""Every threshold of reading stands in the settings, and a changed one changes what is read."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import demo
import ocr
from common.arrays import Floats, Image, Quads
from common.quads import boxes_to_quads
from common.roles import Reading
from common.settings import changed, declared, describe, with_values
from ocr import Reader, Settings
from ocr.layout.reading_order import reading_order
from ocr.line import columns, retry, split, vertical, vote
from ocr.page import deskew

ROOT = Path(__file__).resolve().parents[2]
CHAIN = [
    ROOT / "ocr" / "reader.py",
    ROOT / "ocr" / "sheet.py",
    *sorted((ROOT / "ocr" / "line").glob("*.py")),
    *sorted((ROOT / "ocr" / "page").glob("*.py")),
    ROOT / "ocr" / "layout" / "reading_order.py",
]
NO_THRESHOLDS = {"_NARROW", "_SLIM", "_USUAL", "_CAPITAL", "_BROAD"}
"""Facts of typefaces: advance widths."""

MODELS = [
    ROOT / name
    for name in (
        "angle/classifier.py", "angle/preprocess.py", "ctpn/method.py", "ctpn/textlines.py", "detection/detector.py",
        "detection/scales.py", "detection/small_print.py", "recognition/decoding/beam.py",
        "recognition/decoding/lexicon.py",
        "recognition/decoding/prefix_search.py", "recognition/decoding/script_consistency.py",
    )
]  # fmt: skip
"""Of the models, which have settings too."""

ALL = [
    (step.name, each.name)
    for step in fields(Settings)
    for each in declared(getattr(Settings(), step.name))
]


def test_no_module_of_the_chain_has_numbers_of_its_own() -> None:
    found = []
    for path in CHAIN:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Call):
                names = {
                    n.id
                    for target in node.targets
                    for n in ast.walk(target)
                    if isinstance(n, ast.Name)
                }
                value = [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
                numbers = [
                    v for v in value if isinstance(v, (int, float)) and not isinstance(v, bool)
                ]
                if numbers and not names <= NO_THRESHOLDS:
                    found.append((path.name, sorted(names)))
    assert not found, "thresholds belong to ocr/settings.py"


def test_every_setting_is_read_somewhere() -> None:
    read = {
        node.attr
        for path in [*CHAIN, *MODELS]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert [f"{step}.{name}" for step, name in ALL if name not in read] == []


def test_every_setting_has_a_meaning_and_can_be_set() -> None:
    described = describe(Settings()).splitlines()
    assert len(described) == len(ALL)
    for (step, name), line in zip(ALL, described, strict=True):
        assignment, _, doc = line.partition("  ")
        assert assignment.startswith(f"{step}.{name}=") and len(doc) > 10
        assert with_values(Settings(), [assignment]) == Settings()


def rows(*boxes: tuple[float, float, float, float]) -> Quads:
    return boxes_to_quads(np.array(boxes, np.float32))


def words(count: int) -> Callable[[Settings], Any]:
    """Whether two lines of a page are of one row."""
    quads = rows((0, 9, 50, 29), (200, 0, 250, 20), (100, 100, 150, 120))
    return lambda s: reading_order(quads[::-1], s.order).tolist()


def two_columns(s: Settings) -> list[int]:
    left = [(0, 40.0 * i, 200, 40.0 * i + 20) for i in range(4)]
    right = [(230, 40.0 * i, 430, 40.0 * i + 20) for i in range(4)]
    return reading_order(rows(*left, *right), s.order).tolist()


def reads(score: float, text: str = "text here") -> Callable[[Settings], list[str]]:
    """Texts of a page whose one line is read with a score."""
    quad = rows((10, 10, 90, 30))

    def read(s: Settings) -> list[str]:
        reader = Reader(
            lambda image: (quad, np.array([0.5], np.float32)),  # type: ignore[arg-type]
            lambda crops: [Reading(text, score) for _ in crops],
            settings=s,
        )
        return [line.text for line in reader.read(np.zeros((60, 120, 3), np.uint8)).lines]

    return read


def crops_of(s: Settings) -> list[tuple[int, ...]]:
    seen: list[tuple[int, ...]] = []

    def recognize(crops: list[Image]) -> list[Reading]:
        seen.extend(crop.shape for crop in crops)
        return [Reading("a long text that was read well", 0.99) for _ in crops]

    quad = rows((10, 10, 90, 30))
    reader = Reader(lambda image: (quad, np.ones(1, np.float32)), recognize, settings=s)  # type: ignore[arg-type]
    reader.read(np.zeros((60, 120, 3), np.uint8))
    return seen


def retried(score: float) -> Callable[[Settings], list[tuple[int, ...]]]:
    def run(s: Settings) -> list[tuple[int, ...]]:
        seen: list[tuple[int, ...]] = []

        def recognize(crops: list[Image]) -> list[Reading]:
            seen.extend(crop.shape for crop in crops)
            return [Reading("narrow words", 0.5) for _ in crops]

        crop = np.zeros((20, 100, 3), np.uint8)
        retry.retry(recognize, [crop], [Reading("narrow words", score)], s.retry)  # type: ignore[arg-type]
        return seen

    return run


def views(s: Settings) -> int:
    noise = np.random.default_rng(0).integers(0, 255, (24, 20, 3), np.uint8)
    return sum(view.size for view in vote._views(noise, s.vote))


def gap(width: float, text: str = "第一 二三") -> Callable[[Settings], int]:
    """Parts of a line with a gap as wide as so many heights."""
    crop = np.full((40, 400, 3), 255, np.uint8)
    start, stop = 100, 100 + int(width * 40)
    crop[5:35, 10:start:2] = 0
    crop[5:35, stop:390:2] = 0
    places = [30, 80, (start + stop) / 2, stop + 30, stop + 80]
    spans = tuple(((x - 2) / 400, (x + 2) / 400) for x in places)
    reading = Reading(text, 0.9, (0.9,) * 5, spans)
    quad = rows((0, 0, 400, 40))[0]
    return lambda s: len(list(split.split(reading, quad, crop, 0.0, s.split)))


def column(score: float) -> Callable[[Settings], int]:
    """Times that a column of two characters is read again."""

    def run(s: Settings) -> int:
        seen: list[Image] = []

        def recognize(crops: list[Image]) -> list[Reading]:
            seen.extend(crops)
            return [Reading("中文", 0.1, (0.1, 0.1), ((0.2, 0.3), (0.7, 0.8))) for _ in crops]

        reading = Reading("中文", score, (score, score), ((0.2, 0.3), (0.7, 0.8)))
        crop = np.zeros((20, 80, 3), np.uint8)
        vertical.read_again(recognize, [crop], [reading], [True], s.vertical)  # type: ignore[arg-type]
        return len(seen)

    return run


def searched(score: float) -> Callable[[Settings], bool]:
    line = (Reading("row", score), rows((0, 0, 100, 20))[0])
    return lambda s: columns.should_search([line], 1e6, s.columns)


def skew(degrees: float) -> Callable[[Settings], Any]:
    """Whether a page with three lines of this skew is rotated."""
    along = 200 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    down = 20 * np.array([-np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
    first = np.array([[50, 100], [50, 160], [50, 220]])[:, None]
    quads = (first + np.array([0 * along, along, along + down, down])).astype(np.float32)
    image: Image = np.zeros((400, 400, 3), np.uint8)
    level = rows((0, 0, 250, 20), (0, 40, 250, 60), (0, 80, 250, 100))

    def run(s: Settings) -> tuple[int, ...]:
        as_given = deskew.Deskewed(image, quads, np.ones(3, np.float32), np.eye(2, 3))
        found: Callable[[Image], tuple[Quads, Floats]] = lambda _: (level, np.ones(3, np.float32))  # noqa: E731
        return deskew.deskew(as_given, found, s.deskew).image.shape  # type: ignore[arg-type]

    return run


@pytest.mark.parametrize(
    ("assignment", "probe"),
    [
        ("order.row_overlap=0.7", words(2)),
        ("order.min_column_rows=5", two_columns),
        ("order.min_gutter=2", two_columns),
        ("order.min_column_width=11", two_columns),
        ("accept.min_detection_score=0.4", reads(0.3)),
        ("accept.min_reading_score=0.2", reads(0.3)),
        ("accept.min_rule=9", reads(0.9, "-----")),
        ("crop.margin=0.3", crops_of),
        ("retry.below_score=0.5", retried(0.6)),
        ("retry.min_score=0.7", retried(0.6)),
        ("retry.max_pitch=0.1", retried(0.6)),
        ("retry.stretch=2", retried(0.6)),
        ("vote.tilts=0,5", views),
        ("vote.stretches=1,3", views),
        ("vote.shears=0.1", views),
        ("vote.trim=0", views),
        ("vote.trimmed_tilts=1", views),
        ("vote.trimmed_stretches=1", views),
        ("split.han_gap=2", gap(1.5)),
        ("vertical.accept_score=0.5", column(0.8)),
        ("vertical.max_glyph_aspect=5", column(0.8)),
        ("vertical.min_pitch=2.5", column(0.99)),
        ("columns.max_page_score=0.1", searched(0.3)),
        ("deskew.min_skew=20", skew(12)),
        ("deskew.max_skew=10", skew(12)),
        ("deskew.min_kept=2", skew(12)),
    ],
)
def test_a_changed_setting_changes_the_reading(
    assignment: str, probe: Callable[[Settings], Any]
) -> None:
    assert probe(with_values(Settings(), [assignment])) != probe(Settings())


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("retry.below=0.9", "there are: below_score, min_score"),
        ("again.below_score=0.9", "there are: patches, orientation, detect, ctpn, deskew"),
        ("retry.below_score=9", "expected a number from 0 to 1"),
    ],
)
def test_a_wrong_setting_is_bad_usage(
    assignment: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.png").write_bytes(b"")
    with pytest.raises(SystemExit) as exit_:
        demo.main([str(tmp_path / "page.png"), "--set", assignment])
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_settings_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        demo.main(["--set", "list"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == describe(Settings()) + "\n"


def test_settings_reach_the_models() -> None:
    settings = with_values(
        Settings(),
        [
            "ctpn.line_threshold=0.9", "detect.coarse_side=320", "patches.count=3", "patches.line_heights=30",
            "search.width=7", "script.penalty=2", "lexicon.tolerance=1",
        ],
    )  # fmt: skip
    models = ocr.load(threads=1, lexicon=["word"], settings=settings).models
    detector, recognizer, classifier = (vars(model) for model in models[:3])
    assert changed(detector["_method"]) == {"line_threshold": 0.9}
    assert changed(detector["_scales"]) == {"coarse_side": 320}
    assert changed(classifier["_settings"]) == {"count": 3, "line_heights": (30,)}
    assert recognizer["_decode"].weights == settings.search
    assert vars(recognizer["_consistency"])["_settings"] == settings.script
    assert vars(recognizer["_lexicon"])["_settings"] == settings.lexicon
