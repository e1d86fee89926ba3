"""Rendered pages: deterministic, labelled within the picture, of every kind; and their command line."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ImageFont

from common.quads import is_column, quad_size
from train.batches.line_crops import line_crops
from train.data.samples import PageSample, PlacedLine
from train.synth import backgrounds, generate
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.drawing.canvas import Canvas
from train.synth.drawing.resources import pick_language, readable_on
from train.synth.page import CUT_LIMIT, KINDS, PageRenderer, clip_lines
from train.synth.typesetting.fonts import Face, FontLibrary


@dataclass(frozen=True)
class BuiltIn(Face):
    """The face inside Pillow: these tests need no fonts. Han characters come out as boxes."""

    __hash__ = Face.__hash__

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        return _open(size)


@functools.cache
def _open(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def library() -> FontLibrary:
    latin = frozenset(range(33, 127))
    both = latin | frozenset(range(0x3000, 0x9FFF)) | frozenset(range(0xFF00, 0xFFEF))
    both |= frozenset(map(ord, "“”‘’…—·•℃"))
    return FontLibrary(
        [
            BuiltIn("One", Path("one"), 0, "sans", both, True),
            BuiltIn("Two", Path("two"), 0, "serif", latin, False),
        ]
    )


@functools.cache
def corpus() -> Corpus:
    return Corpus.load(None)


def renderer(shares: dict[str, float] | None = None) -> PageRenderer:
    return PageRenderer(library(), corpus(), Backgrounds.load(None), shares)


def digest(page: PageSample) -> str:
    whole = hashlib.sha256(page.image.tobytes())
    for line in page.lines:
        whole.update(line.quad.tobytes() + line.text.encode() + bytes([line.ignore]))
    return whole.hexdigest()


@pytest.fixture(scope="module")
def pages() -> PageRenderer:
    return renderer()


@pytest.fixture(scope="module")
def clean(pages: PageRenderer) -> Callable[[str, int], Canvas]:
    """Undamaged pages of a kind, each drawn once."""
    return functools.cache(lambda kind, index: pages.clean(np.random.default_rng([4, index]), kind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_labelled_within_the_picture(pages: PageRenderer, kind: str) -> None:
    counted = 0
    for index in range(3):
        page = pages.page(3, index, kind=kind)
        height, width = page.image.shape[:2]
        assert page.image.dtype == np.uint8
        assert page.image.flags.c_contiguous
        assert min(height, width) >= 150
        assert max(height, width) <= 1500
        for line in page.lines:
            assert isinstance(line, PlacedLine)
            assert line.quad.shape == (4, 2)
            assert line.quad.dtype == np.float32
            assert (line.quad >= 0).all()
            assert (line.quad <= (width, height)).all()
            assert line.text.strip() == line.text != ""
            assert len(line.centers) == len(line.widths) == len(line.text)
            counted += not line.ignore
    assert counted >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_lines_do_not_cover_each_other(clean: Callable[[str, int], Canvas], kind: str) -> None:
    for index in range(3):
        quads = [line.quad for line in clean(kind, index).lines if not line.ignore]
        for i, quad in enumerate(quads):
            for other in quads[:i]:
                shared, _ = cv2.intersectConvexConvex(quad, other)
                smaller = min(cv2.contourArea(quad), cv2.contourArea(other))
                assert shared <= 0.35 * smaller, f"page {index}"


@pytest.mark.parametrize("kind", ["document", "receipt", "table", "screen", "form", "scan"])
def test_ink_stands_where_the_quads_say(clean: Callable[[str, int], Canvas], kind: str) -> None:
    for index in range(2):
        canvas = clean(kind, index)
        for line in canvas.lines:
            (x0, y0), (x1, y1) = (
                line.quad.min(axis=0).astype(int),
                line.quad.max(axis=0).astype(int),
            )
            part = canvas.image[y0:y1, x0:x1].astype(int)
            assert np.ptp(part, axis=(0, 1)).max() > 25, f"no contrast in {line.text!r}"


def test_sample_is_the_same_in_any_order_and_renderer(pages: PageRenderer) -> None:
    forwards = [digest(pages.page(1, index)) for index in range(3)]
    other = renderer()
    backwards = [digest(other.page(1, index)) for index in reversed(range(3))][::-1]
    assert forwards == backwards
    assert len(set(forwards)) == 3
    assert digest(pages.page(2, 0)) != forwards[0]


@pytest.mark.slow
def test_sample_is_the_same_in_another_process(pages: PageRenderer) -> None:
    code = (
        "import runpy, sys; sys.path.insert(0, '.');"
        f"m = runpy.run_path({str(Path(__file__))!r}, run_name='elsewhere');"
        "r = m['renderer'](); print(*[m['digest'](r.page(1, i)) for i in (5, 0, 3)],"
        "*[m['digest'](r.page(9, i, kind='poster')) for i in range(6)])"
    )
    # Another hash seed: nothing may depend on the order of a set.
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[3],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    posters = [digest(pages.page(9, index, kind="poster")) for index in range(6)]
    assert run.stdout.split() == [digest(pages.page(1, index)) for index in (5, 0, 3)] + posters


def test_unknown_kinds_are_named() -> None:
    with pytest.raises(ValueError, match="'poem'"):
        renderer().page(1, 0, kind="poem")
    for shares in ({"poem": 1.0}, {"document": 0.0}):
        with pytest.raises(ValueError, match="shares"):
            renderer(shares)


def test_pages_of_columns_run_down_and_some_have_rows_beside_them(pages: PageRenderer) -> None:
    found = []
    for index in range(10):
        lines = pages.clean(np.random.default_rng([5, index]), "columns").lines
        found.append(np.mean([is_column(*quad_size(line.quad)) for line in lines]))
    assert sum(share > 0.6 for share in found) >= 5
    assert any(0 < share < 0.5 for share in found)


def test_shares_decide_the_kinds() -> None:
    only = renderer({"receipt": 1.0})
    page = only.page(1, 0)
    assert digest(page) == digest(only.page(1, 0))
    assert page.image.shape[0] > page.image.shape[1] * 0.9


def test_shares_of_kinds_and_languages_add_up() -> None:
    total = sum(kind.share for kind in KINDS.values())
    assert total == pytest.approx(1.0)
    assert 0.5 < sum(kind.share * kind.zh for kind in KINDS.values()) < 0.6
    assert 0.25 < sum(kind.share * kind.en for kind in KINDS.values()) < 0.4
    rng = np.random.default_rng(0)
    drawn = [pick_language(rng, 0.5, 0.3) for _ in range(2000)]
    assert drawn.count("zh") / 2000 == pytest.approx(0.5, abs=0.05)
    assert drawn.count("mixed") / 2000 == pytest.approx(0.2, abs=0.05)


def test_crops_of_a_rendered_page_read_along_x(pages: PageRenderer) -> None:
    crops = 0
    for index in range(4):
        for sample in line_crops(pages.page(6, index), np.random.default_rng(index)):
            crops += 1
            assert len(sample.centers) in (0, len(sample.text))
            assert (np.diff(sample.centers) > -1e-3).all()
    assert crops > 10


def line_at(*corners: tuple[float, float]) -> tuple[PlacedLine, np.ndarray]:
    quad = np.array(corners, np.float32)
    return PlacedLine(quad, "word"), quad


def clipped(*corners: tuple[float, float]) -> list[PlacedLine]:
    line, quad = line_at(*corners)
    return clip_lines([line], quad[None], np.zeros((100, 200, 3), np.uint8))


def test_clip_lines_keeps_drops_and_ignores() -> None:
    (whole,) = clipped((10, 10), (90, 10), (90, 30), (10, 30))
    assert not whole.ignore
    (grazing,) = clipped((-CUT_LIMIT / 2, 10), (90, 10), (90, 30), (-CUT_LIMIT / 2, 30))
    assert not grazing.ignore
    assert grazing.quad.min() == 0
    (cut,) = clipped((-30, 10), (90, 10), (90, 30), (-30, 30))
    assert cut.ignore
    assert clipped((-90, 10), (-10, 10), (-10, 30), (-90, 30)) == []
    (tiny,) = clipped((10, 10), (90, 10), (90, 14), (10, 14))
    assert tiny.ignore
    assert clip_lines([], np.zeros((0, 4, 2), np.float32), np.zeros((9, 9, 3), np.uint8)) == []


def write_photo(path: Path, value: int = 90, size: tuple[int, int] = (30, 40)) -> None:
    cv2.imwrite(str(path), np.full((*size, 3), value, np.uint8))


def test_backgrounds_of_a_folder_are_drawn_and_reproducible(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        Backgrounds.load(tmp_path)
    for number in range(60):
        write_photo(tmp_path / f"{number:02d}.jpg", number * 4)
    grounds = Backgrounds.load(tmp_path)
    rng = np.random.default_rng(0)
    shades = set()
    for _ in range(200):
        photo = grounds.photo(rng, 50, 70)
        assert photo.shape == (50, 70, 3)
        shades.add(int(photo[0, 0, 0]) // 4)
    assert len(shades) > 45
    assert len(grounds._kept) == backgrounds.KEPT
    assert (
        grounds.photo(np.random.default_rng(3), 20, 20)
        == Backgrounds.load(tmp_path).photo(np.random.default_rng(3), 20, 20)
    ).all()


def test_a_broken_photograph_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_text("no picture")
    with pytest.raises(ValueError, match="broken.jpg"):
        Backgrounds.load(tmp_path).photo(np.random.default_rng(0), 10, 10)


def test_photographs_are_red_green_blue(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "red.png"), np.full((30, 30, 3), (0, 0, 255), np.uint8))
    photo = Backgrounds.load(tmp_path).photo(np.random.default_rng(0), 10, 10)
    assert photo[5, 5].tolist() == [255, 0, 0]


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (400, 300)])
def test_grounds_made_by_code_have_any_size(size: tuple[int, int]) -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        for maker in (
            backgrounds.scenery,
            backgrounds.paper,
            backgrounds.blobs,
            backgrounds.stripes,
            backgrounds.texture,
        ):
            ground = maker(rng, *size)
            assert ground.shape == (*size, 3)
            assert ground.dtype == np.uint8


def test_readable_colors_stand_out() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        ground = backgrounds.color(rng)
        ink = readable_on(rng, ground)
        weights = np.array([0.299, 0.587, 0.114])
        assert abs(float(np.subtract(ink, ground) @ weights)) >= 80


@pytest.mark.parametrize("kind", [pytest.param("pages", marks=pytest.mark.slow), "lines"])
def test_generate_writes_pictures_labels_and_a_sheet(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FontLibrary, "load", lambda folder=None: library())
    texts = corpus()
    monkeypatch.setattr(Corpus, "load", lambda folder=None: texts)
    arguments = ["--kind", kind, "--seed", "4", "--sheet"]
    assert generate.main([*arguments, "--count", "2", "--out", str(tmp_path / "a")]) == 0
    later = ["--count", "1", "--first", "1", "--out", str(tmp_path / "b")]
    assert generate.main([*arguments[:-1], *later]) == 0
    records = [json.loads(x) for x in (tmp_path / "a/labels.jsonl").read_text().splitlines()]
    assert [record["image"] for record in records] == ["000000.png", "000001.png"]
    for record in records:
        picture = cv2.imread(str(tmp_path / "a" / record["image"]))
        for line in record["lines"]:
            assert set(line) == {"quad", "text", "ignore"}
            assert (np.array(line["quad"]) <= picture.shape[1::-1]).all()
    assert cv2.imread(str(tmp_path / "a/sheet.png")) is not None
    assert not (tmp_path / "b/sheet.png").exists()
    same = [(tmp_path / folder / "000001.png").read_bytes() for folder in "ab"]
    assert same[0] == same[1]
    assert not list(tmp_path.rglob("*.part"))
    labels = (tmp_path / "b/labels.jsonl").read_bytes()
    with pytest.raises(SystemExit) as exit_:
        generate.main([*arguments, "--count", "1", "--out", str(tmp_path / "b")])
    assert exit_.value.code == 2
    assert (tmp_path / "b/labels.jsonl").read_bytes() == labels
    assert generate.main([*arguments[:-1], "--overwrite", *later]) == 0


def test_generate_says_which_folder_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        generate.main(["--out", str(tmp_path), "--corpus", str(tmp_path / "gone")])
    assert "gone: there is no such folder" in capsys.readouterr().err


def test_a_page_without_drawable_text_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(*_: object) -> None:
        raise ValueError("leaves no ink")

    bare = replace(KINDS["document"], layouts=(nothing,))  # type: ignore[arg-type]
    monkeypatch.setitem(KINDS, "document", bare)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="document page .* seed 8, index 2"):
        renderer().page(8, 2, kind="document")


def test_generate_writes_lines_of_one_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FontLibrary, "load", lambda folder=None: library())
    arguments = ["--kind", "lines", "--line-kind", "framed", "--count", "3", "--out", str(tmp_path)]
    assert generate.main(arguments) == 0
    records = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert len(records) == 3
    assert all(any(c.isdigit() for c in record["lines"][0]["text"]) for record in records)
